import { defineConfig } from 'vitest/config'

/** A condition is waited for as long as a busy machine may need; a test that must be quick says so itself. */
const expect = { poll: { timeout: 20_000 } }

/** One project a kind of test: `unit` is pure and quick, the others start real processes, sockets and a browser. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/{src,test}/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'test/*.test.ts'],
        },
      },
      {
        test: { name: 'server', include: ['apps/server/test/**/*.test.ts'], testTimeout: 30_000, expect },
      },
      {
        test: {
          name: 'browser',
          include: ['apps/dashboard/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          expect,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/{system,deploy}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          expect,
        },
      },
    ],
  },
})
