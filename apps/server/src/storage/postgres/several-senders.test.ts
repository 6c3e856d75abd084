import { MAX_CHANNELS, MAX_MUTES, MAX_TOKENS } from '@normwatch/protocol'
import { expect, it, onTestFinished } from 'vitest'
import { aChannel, aFinding } from '../../alerts/fixtures/event.ts'
import { groupedBy } from '../../alerts/grouping.ts'
import { ask, emptyDatabase } from '../../../test/postgres.ts'
import { TooManyAlertRules } from '../alert-store.ts'
import { taken } from '../settlements.fixture.ts'
import { aToken, record } from '../store.fixture.ts'
import type { Store } from '../store.ts'
import { TooManyTokens } from '../token-store.ts'
import { openPostgresStore } from './open.ts'

const WINDOW = 30_000
const HOUR = 3_600_000
const clock = { now: Date.UTC(2026, 0, 1) }

/** Stores of several servers over one database, and how to open one more. */
async function opened(count: number) {
  const url = await emptyDatabase()
  const alerts = { rules: groupedBy(WINDOW / 1000), now: () => clock.now }
  const open = async () => {
    const store = await openPostgresStore({ url, alerts })
    onTestFinished(() => store.close())
    return store
  }
  const stores = await Promise.all(Array.from({ length: count }, open))
  return { url, open, stores: stores as [Store, Store, ...Store[]] }
}

const claimAt = (store: Store) =>
  store.deliveries.claim({ now: clock.now, leaseMs: 60_000, limit: 4, except: [] })
const openFinding = async (store: Store, run: string) => {
  await store.runs.put(run, {}, 0)
  await record(store, run, { changes: [{ type: 'opened', finding: aFinding({ id: `f-${run}`, run }) }] })
}

it('gives each delivery to one of the servers that claim at the same time, and to none that starts meanwhile', async () => {
  const { stores, open } = await opened(3)
  const ids = Array.from({ length: 20 }, (_, i) => `ch-${i}`)
  for (const id of ids) await stores[0].channels.create(aChannel({ id }))
  await openFinding(stores[0], 'a')
  clock.now += WINDOW
  const claimed: string[] = []
  for (let found = -1; found !== claimed.length;) {
    found = claimed.length
    for (const some of await Promise.all(stores.map(claimAt))) claimed.push(...some.map(({ id }) => id))
  }
  expect(claimed).toHaveLength(ids.length)
  expect(new Set(claimed).size).toBe(ids.length)
  expect(await claimAt(await open())).toEqual([])
})

it('groups what several servers queue at the same time into one message', async () => {
  const { stores } = await opened(3)
  await stores[0].channels.create(aChannel())
  const runs = Array.from({ length: 30 }, (_, i) => `run-${i}`)
  await Promise.all(runs.map((run, i) => openFinding(stores[i % 3] as Store, run)))
  clock.now += WINDOW
  const [message, ...others] = (await Promise.all(stores.map(claimAt))).flat()
  expect(others).toEqual([])
  expect(message?.events.map(({ run }) => run.id).sort()).toEqual([...runs].sort())
})

it('queues a reminder once, whichever servers look for it', async () => {
  const { stores } = await opened(3)
  await stores[0].channels.create(aChannel({ remind_hours: 1 }))
  for (const run of ['a', 'b']) await openFinding(stores[0], run)
  clock.now += WINDOW
  for (const claimed of await claimAt(stores[0])) await stores[0].deliveries.settle(claimed, taken, clock.now)
  clock.now += HOUR
  await Promise.all(stores.map((store) => store.deliveries.remind(clock.now)))
  clock.now += WINDOW
  const messages = (await Promise.all(stores.map(claimAt))).flat()
  expect(messages.flatMap(({ events }) => events.map(({ type, finding }) => [type, finding.id]))).toEqual([
    ['finding.reminder', 'f-a'],
    ['finding.reminder', 'f-b'],
  ])
})

it('keeps the bounds on channels, mutes and tokens, whichever servers add to them at the same time', async () => {
  const { url, stores } = await opened(3)
  const [{ channels, mutes, tokens }] = stores
  const mute = { id: 'mute_0', run: 'a', project: null, kind: null, until: Infinity, created_at: clock.now }
  const token = aToken('tok_0')
  await channels.create(aChannel())
  await mutes.create({ ...mute, until: clock.now + HOUR })
  await tokens.create(token)
  /** Fills a table up to three less than its bound with rows like the one that is there. */
  const fill = async (table: string, bound: number, unlike: readonly string[]) => {
    const rows = await ask<{ name: string }>(
      url,
      `select column_name as name from information_schema.columns where table_name = '${table}' order by ordinal_position`,
    )
    const values = rows.map(({ name }) => (unlike.includes(name) ? `${name} || '_' || g` : name))
    await ask(
      url,
      `insert into ${table} select ${values.join()} from ${table}, generate_series(1, ${bound - 4}) g`,
    )
  }
  await fill('channels', MAX_CHANNELS, ['id'])
  await fill('mutes', MAX_MUTES, ['id'])
  await fill('tokens', MAX_TOKENS, ['id', 'hash'])
  const addTen = async (add: (store: Store, name: string) => Promise<unknown>, refusal: unknown) => {
    const adding = Array.from({ length: 10 }, (_, i) => add(stores[i % 3] as Store, `more-${i}`))
    const refused = (await Promise.allSettled(adding)).flatMap((one) =>
      one.status === 'rejected' ? [one.reason as unknown] : [],
    )
    expect(refused).toHaveLength(7)
    expect(refused.every((reason) => reason instanceof (refusal as typeof Error))).toBe(true)
  }
  await addTen((store, id) => store.channels.create(aChannel({ id })), TooManyAlertRules)
  await addTen((store, id) => store.mutes.create({ ...mute, id, until: clock.now + HOUR }), TooManyAlertRules)
  await addTen((store, id) => store.tokens.create({ ...token, id, hash: id }), TooManyTokens)
})
