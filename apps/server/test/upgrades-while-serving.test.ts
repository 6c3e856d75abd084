import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { ask, emptyDatabase } from './postgres.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'
import { Training } from './training.ts'

const ROOT = join(import.meta.dirname, '../../..')
const patience = { timeout: 90_000 }

/** What the next version adds: columns, a table with rows, an index, a replaced function, and another one under its name. */
const ADDITIONS = [
  `alter table "runs" add column "owner" text collate "C"`,
  `alter table "leaves" add column "weight" double precision default 1 not null`,
  `alter table "tokens" add column "note" text collate "C" default 'none' not null`,
  'create table "teams" ("id" text collate "C" primary key not null)',
  `insert into "teams" ("id") values ('first')`,
  'create index "runs_by_owner" on "runs" using btree ("owner","id")',
]

/** The program of the next version: this one in a folder of its own, with one migration more. Gives its `main.ts`. */
async function nextVersion(database: string): Promise<string> {
  const folder = await tempFolder()
  const server = join(folder, 'apps/server')
  await mkdir(server, { recursive: true })
  await cp(join(ROOT, 'apps/server/src'), join(server, 'src'), { recursive: true })
  await cp(join(ROOT, 'apps/server/package.json'), join(server, 'package.json'))
  await cp(join(ROOT, 'drizzle'), join(folder, 'drizzle'), { recursive: true })
  for (const modules of ['node_modules', 'apps/server/node_modules']) {
    if (existsSync(join(ROOT, modules))) await symlink(join(ROOT, modules), join(folder, modules))
  }
  const functions = await ask<{ text: string }>(
    database,
    `select pg_get_functiondef(oid) as text from pg_proc where pronamespace = 'public'::regnamespace and proargnames[1] = 'p_run'`,
  )
  expect(functions).not.toEqual([])
  // as a version that gives them one parameter more leaves those of before
  const others = functions.map(({ text }) => text.replace('(p_run text,', '(p_run text, p_owner text,'))
  for (const text of others) expect(text).toContain('p_owner')
  const migrations = join(folder, 'drizzle/postgres')
  const journal = JSON.parse(await readFile(join(migrations, 'meta/_journal.json'), 'utf8'))
  const tag = '9999_next'
  journal.entries.push({ ...journal.entries.at(-1), idx: journal.entries.length, when: Date.now(), tag })
  await writeFile(join(migrations, 'meta/_journal.json'), JSON.stringify(journal))
  await writeFile(
    join(migrations, `${tag}.sql`),
    [...ADDITIONS, ...functions.map(({ text }) => text), ...others].join('\n--> statement-breakpoint\n'),
  )
  return join(server, 'src/main.ts')
}

it('goes on beside a server of the next version, and starts again over its tables', async () => {
  const database = await emptyDatabase()
  const environment = { NORMWATCH_DATABASE_URL: database }
  const old = await startServer(await tempFolder(), [], environment)
  let servers = [old.url]
  const trainings = [1, 2, 3].map((seed) => new Training(seed, seed === 1 ? 16 : 1, seed === 3))
  for (const training of trainings) await training.create(old.url)
  const answers = new Set<number>()
  let isOver = false
  let turn = 0
  const load = trainings.map(async (training) => {
    while (!isOver) {
      answers.add(await training.sendNext(servers[turn++ % servers.length] as string))
      await pause(5)
    }
  })
  onTestFinished(async () => {
    isOver = true
    await Promise.allSettled(load)
  })
  const goesOn = async () => {
    const before = trainings.map(({ acknowledged }) => acknowledged)
    const areAhead = () => trainings.every(({ acknowledged }, i) => acknowledged >= (before[i] as number) + 5)
    await expect.poll(areAhead, patience).toBe(true)
  }
  const haveAll = async (...urls: string[]) => {
    for (const url of urls) for (const training of trainings) await training.expectStored(url, true)
  }
  await goesOn()

  // the migration is applied while the old server is under load
  const next = await startServer(await tempFolder(), [], environment, [], await nextVersion(database))
  expect(await ask(database, 'select id from teams')).toEqual([{ id: 'first' }])
  await goesOn()
  servers = [old.url, next.url]
  await goesOn()
  servers = [next.url]
  await goesOn()

  // the old version is started again: its machine died, or the upgrade is undone
  await old.end('SIGKILL')
  const again = await startServer(await tempFolder(), [], environment)
  servers = [again.url, next.url]
  await goesOn()
  isOver = true
  await Promise.all(load)
  await haveAll(again.url, next.url)
  expect([...answers]).toEqual([200])
  for (const { url } of [again, next]) expect((await fetch(`${url}/readyz`)).status).toBe(200)
})
