import { defineConfig } from 'vitest/config'

/** A condition is waited for as long as a busy machine may need; a test that must be quick says so itself. */
const expect = { poll: { timeout: 20_000 } }

/** Promises of the server that are kept on PostgreSQL too: what stores, judges, tells and forgets. */
const onPostgres = [
  'alerts-worker',
  'changes-settings',
  'judges-parts',
  'keeps-an-audit-log',
  'keeps-events',
  'lists-sessions',
  'shows-runs-live',
  'tries-caps-and-compares',
  'waits-for-findings',
]

/** Promises that need a database. */
const needPostgres = [
  'migrates-to-postgres',
  'outlives-database-faults',
  'several-servers',
  'several-servers-survive-kills',
  'several-servers-work',
].map((promise) => `apps/server/test/${promise}.test.ts`)

/** Tests of these packages that take seconds: real files, threads and servers, thousands of cases. */
const long = [
  'apps/server/src/storage/sqlite/**/*.test.ts',
  'packages/sdk/test/**/*.test.ts',
  'packages/importers/src/hostile.test.ts',
  'packages/detector/test/{batching,planted-causes}.test.ts',
]

/** One project per kind of test: `unit` is quick (`npm run check` runs it), the others start real processes and browsers. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/{src,test}/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'test/*.test.ts'],
          exclude: ['apps/server/src/storage/postgres/**', ...long],
          // each module is loaded once a worker, not once a file: a third of the time
          isolate: false,
          pool: 'threads',
          testTimeout: 20_000,
        },
      },
      { test: { name: 'long', include: long, testTimeout: 60_000, expect } },
      {
        test: {
          name: 'postgres',
          include: ['apps/server/src/storage/postgres/**/*.test.ts'],
          globalSetup: 'apps/server/test/postgres.ts',
          testTimeout: 300_000,
          hookTimeout: 120_000,
          expect,
        },
      },
      {
        test: {
          name: 'server',
          include: ['apps/server/test/**/*.test.ts'],
          exclude: needPostgres,
          testTimeout: 60_000,
          expect,
        },
      },
      {
        test: {
          name: 'server-on-postgres',
          include: [...onPostgres.map((promise) => `apps/server/test/${promise}.test.ts`), ...needPostgres],
          globalSetup: 'apps/server/test/postgres.ts',
          testTimeout: 180_000,
          expect,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['apps/dashboard/e2e/**/*.test.ts'],
          testTimeout: 120_000,
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
