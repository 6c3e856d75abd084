import { availableParallelism } from 'node:os'
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

const serverTests = (promises: readonly string[]) =>
  promises.map((promise) => `apps/server/test/${promise}.test.ts`)

/** Promises that need a database. */
const needPostgres = serverTests([
  'ends-its-work',
  'outlives-database-faults',
  'several-servers',
  'several-servers-work',
])

/** Those of them that say nothing about how soon. */
const unhurriedOnPostgres = serverTests([
  'migrates-to-postgres',
  'several-servers-survive-kills',
  'upgrades-while-serving',
])

/**
 * Promises of the server that say nothing about how soon, whose tests mostly wait: for a time-out of a minute, or for processes that
 * are started again and again.
 */
const unhurried = serverTests([
  'access-slow-bodies',
  'access-sockets',
  'alerts-survive-kills',
  'backs-up-while-serving',
  'follows-logs',
  'gives-data-back',
  'judges-after-a-crash',
  'listens-on-a-socket',
  'opens-older-data',
  'speaks-in-the-shell',
  'survives-kill',
])

/** Tests of these packages that take seconds: real files, threads and servers, thousands of cases. */
const long = [
  'apps/server/src/storage/sqlite/**/*.test.ts',
  'packages/importers/src/hostile.test.ts',
  'packages/detector/test/{batching,planted-causes}.test.ts',
]

/**
 * Two files at a time also on two processors. All other projects run after these, and there leave one processor to the servers and
 * browsers that they start, as some of their promises are about time.
 */
const sideBySide = { maxWorkers: Math.max(2, availableParallelism() - 1) }
const afterwards = { sequence: { groupOrder: 1 } }
const atTheEnd = { sequence: { groupOrder: 2 } }

/** One project per kind of test: `unit` is quick (`npm run check` runs it), the others start real processes and browsers. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/{src,test}/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'test/*.test.ts'],
          exclude: ['apps/server/src/storage/postgres/**', 'packages/sdk/test/**', ...long],
          // each module is loaded once a worker, not once a file: a third of the time
          isolate: false,
          pool: 'threads',
          testTimeout: 20_000,
          ...sideBySide,
        },
      },
      { test: { name: 'long', include: long, testTimeout: 60_000, expect, ...sideBySide } },
      {
        test: {
          name: 'postgres',
          include: ['apps/server/src/storage/postgres/**/*.test.ts', ...unhurriedOnPostgres],
          globalSetup: 'apps/server/test/postgres.ts',
          testTimeout: 300_000,
          hookTimeout: 120_000,
          expect,
          ...sideBySide,
        },
      },
      {
        test: { name: 'unhurried', include: unhurried, testTimeout: 180_000, expect, ...sideBySide },
      },
      {
        test: {
          name: 'sdk',
          include: ['packages/sdk/test/**/*.test.ts'],
          testTimeout: 60_000,
          expect,
          ...afterwards,
        },
      },
      {
        test: {
          name: 'server',
          include: ['apps/server/test/**/*.test.ts'],
          exclude: [...needPostgres, ...unhurried, ...unhurriedOnPostgres],
          testTimeout: 60_000,
          expect,
          ...afterwards,
        },
      },
      {
        test: {
          name: 'server-on-postgres',
          include: [...serverTests(onPostgres), ...needPostgres],
          globalSetup: 'apps/server/test/postgres.ts',
          testTimeout: 180_000,
          expect,
          ...afterwards,
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
          ...atTheEnd,
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
          ...atTheEnd,
        },
      },
    ],
  },
})
