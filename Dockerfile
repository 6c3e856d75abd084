# The dashboard's files, and nothing else of the tools that make them, reach the image.
FROM node:24.21.0-bookworm-slim AS dashboard
WORKDIR /app
COPY . .
RUN npm ci && npm run build --workspace @normwatch/dashboard

# What the server imports. No package of it needs an install script.
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY . .
RUN npm ci --omit=dev --ignore-scripts --workspace @normwatch/server
# One start and stop: the image then holds compiled what the server runs, and its memory not what compiles it.
ENV NODE_COMPILE_CACHE=node_modules/.cache/normwatch
RUN timeout --preserve-status --signal=INT 5 node --max-semi-space-size=4 --heap-growing-percent=200 --expose-gc apps/server/src/main.ts --port 0 --data scratch

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="Normwatch" org.opencontainers.image.version="0.1.0" org.opencontainers.image.licenses="MIT"
WORKDIR /app
# hadolint ignore=DL3064
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=node_modules/.cache/normwatch \
    MALLOC_ARENA_MAX=1 \
    NORMWATCH_HOST=0.0.0.0 \
    NORMWATCH_DATA=/data \
    NORMWATCH_FIRST_TOKEN=print
COPY package.json LICENSE ./
COPY drizzle drizzle
COPY packages/protocol packages/protocol
COPY packages/detector packages/detector
COPY packages/importers/package.json packages/importers/package.json
COPY packages/importers/src packages/importers/src
COPY packages/sdk/package.json packages/sdk/package.json
COPY packages/sdk/src packages/sdk/src
# what the server hands out at /sdk/python
COPY packages/sdk-python/offline packages/sdk-python/offline
COPY packages/sdk-python/src packages/sdk-python/src
COPY --from=dependencies /app/apps/server apps/server
COPY --from=dependencies /app/node_modules node_modules
COPY --from=dashboard /app/apps/dashboard/build apps/dashboard/build
RUN mkdir /data && chown 1000:1000 /data
USER 1000:1000
VOLUME /data
EXPOSE 4280
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "apps/server/src/cli/normwatch.ts", "health"]
CMD ["node", "--max-semi-space-size=4", "--heap-growing-percent=200", "--expose-gc", "apps/server/src/main.ts"]
