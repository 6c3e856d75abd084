# npm run pack && docker build -t normwatch:0.1.0 .      the npm package that it made, on Node; see docs/deploy.md
FROM node:24.21.0-bookworm-slim
WORKDIR /app
LABEL org.opencontainers.image.title="Normwatch" org.opencontainers.image.version="0.1.0" org.opencontainers.image.licenses="MIT"
# Unpacks itself into /app/package. Node's own SQLite serves, so the image is the same for every processor.
ADD dist/normwatch-[0-9]*.tgz /app/
COPY deploy/container/health /app/
RUN ln -s package/bin/normwatch.js /app/normwatch && mkdir -m 700 /data && chown 1000:1000 /data
# hadolint ignore=DL3064
ENV PATH=/app:$PATH \
    NODE_ENV=production \
    NORMWATCH_HOST=0.0.0.0 \
    NORMWATCH_DATA=/data \
    NORMWATCH_FIRST_TOKEN=print
USER 1000:1000
VOLUME /data
EXPOSE 4280
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/app/health"]
ENTRYPOINT ["normwatch"]
CMD ["serve"]
