import { expect, it, onTestFinished } from 'vitest'
import { append, aToken, columns, judgement } from '../store.fixture.ts'
import { StoreUnavailable, VersionConflict, type Store } from '../store.ts'
import { ask, askEverywhere, emptyDatabase } from '../../../test/postgres.ts'
import { openPostgresStore, openTokensOf } from './open.ts'

async function opened(): Promise<{ url: string; store: Store }> {
  const url = await emptyDatabase()
  const store = await openPostgresStore({ url })
  onTestFinished(() => store.close())
  return { url, store }
}

/** Ends every other connection to the database, as its restart does. */
const cutAll = (url: string) =>
  askEverywhere(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  )

/** How many points the run has once this step is sent, as a client that sends it again; why it could not be, until it can. */
const pointsAfter = (store: Store, step: number) =>
  append(store, { run: 'a', columns: columns([step], { loss: [step] }) }).then(({ points }) => points, String)

/** Citus lets its coordinator alone change databases, unless it is told that this is not for the others. */
const ON_ANY_NODE = 'set citus.enable_ddl_propagation = off'

const patience = { timeout: 30_000 }

/** What making sure that the store can be written says; `undefined`: it can. */
const trouble = (store: Store) => store.check().then(() => undefined, String)

it('changes tokens beside a running server', async () => {
  const { url, store } = await opened()
  const { tokens, close } = await openTokensOf(url)
  const token = aToken('tok_a', { hash: 'aa' })
  await tokens.create(token)
  await close()
  expect(await store.tokens.byHash('aa')).toEqual(token)
})

it('stores nothing of a unit when somebody else changed its run, and does what was not judged again', async () => {
  const { url, store } = await opened()
  await store.runs.put('a', {}, 0)
  const { version } = await append(store, { run: 'a', columns: columns([0], { loss: [1] }) })
  await ask(url, `update runs set version = version + 1, name = 'theirs' where id = 'a'`)
  const late = { run: 'a', columns: columns([1], { loss: [2] }), arrivedAt: 0, judgement, changes: [] }
  await expect(store.points.append({ ...late, version })).rejects.toBeInstanceOf(VersionConflict)
  expect(await store.runs.put('a', { tags: ['mine'] }, 1)).toMatchObject({
    run: { name: 'theirs', tags: ['mine'], points: 1, version: version + 2 },
  })
  expect(await store.points.append({ ...late, version: version + 2 })).toMatchObject({ points: 2 })
})

it('goes on by itself after all its connections were cut', async () => {
  const { url, store } = await opened()
  await store.runs.put('a', {}, 0)
  await append(store, { run: 'a', columns: columns([0], { loss: [1] }) })
  await cutAll(url)
  await expect.poll(() => pointsAfter(store, 1), patience).toBe(2)
})

it('says that the database is read-only, and goes on when it is not', async () => {
  const { url, store } = await opened()
  await store.runs.put('a', {}, 0)
  const name = new URL(url.replace('@/', '@socket/')).pathname.slice(1)
  await askEverywhere(url, `${ON_ANY_NODE}; alter database ${name} set default_transaction_read_only = on`)
  await cutAll(url)
  await expect.poll(() => trouble(store), patience).toContain('The database is read-only')
  const refused = append(store, { run: 'a', columns: columns([0], { loss: [1] }) })
  await expect(refused).rejects.toBeInstanceOf(StoreUnavailable)
  expect(await store.runs.get('a')).toMatchObject({ points: 0 })
  const other = url.replace(name, 'postgres')
  await askEverywhere(other, `alter database ${name} reset default_transaction_read_only`)
  await cutAll(url)
  await expect.poll(() => pointsAfter(store, 0), patience).toBe(1)
})

it('says at its start what keeps it from the database, and never the password', async () => {
  const url = await emptyDatabase()
  const missing = url.replace(/\/test_\w+/, '/missing')
  await expect(openPostgresStore({ url: missing })).rejects.toThrow('The database does not exist.')
  const nowhere = openPostgresStore({ url: 'postgres://me:hush@127.0.0.1:1/x' })
  await expect(nowhere).rejects.toThrow(/^The database cannot be used: The database cannot be reached\.$/)
  await (await openPostgresStore({ url })).close()
  await ask(url, `insert into normwatch_migrations (hash, created_at) values ('of tomorrow', 0)`)
  await expect(openPostgresStore({ url })).rejects.toThrow('written by a newer version of Normwatch')
})
