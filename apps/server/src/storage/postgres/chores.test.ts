import { expect, it, onTestFinished } from 'vitest'
import { ask, emptyDatabase } from '../../../test/postgres.ts'
import { openChores } from './chores.ts'
import { DatabaseClock } from './clock.ts'
import { Database } from './database.ts'
import { migrate } from './migrate.ts'

const MINUTE = 60_000

/** As many servers over one new database. */
async function servers(count: number) {
  const url = await emptyDatabase()
  const databases = Array.from({ length: count }, () => new Database(url))
  onTestFinished(async () => {
    for (const db of databases) await db.close()
  })
  await Promise.all(databases.map(migrate))
  /** As the time of a claim that is not renewed. */
  const passTime = () => ask(url, `update chores set expires_at = expires_at - interval '2 minutes'`)
  return { url, databases, chores: databases.map(openChores), passTime }
}

it('gives a chore to one of many servers that claim it at once, which keeps it while it renews its claim', async () => {
  const { chores } = await servers(4)
  const claims = () => Promise.all(chores.map((one) => one.claim('sweep', MINUTE)))
  const first = await claims()
  expect(first.filter(Boolean)).toHaveLength(1)
  expect(await claims()).toEqual(first)
  expect(await chores[first.indexOf(false)]?.claim('another', MINUTE)).toBe(true)
})

it('gives it to another when it is done, when its server stops, or when the claim has run out', async () => {
  const {
    chores: [one, two],
    passTime,
  } = await servers(2)
  if (one === undefined || two === undefined) return expect.fail()
  expect(await one.claim('sweep', MINUTE)).toBe(true)
  await two.release('sweep')
  expect(await two.claim('sweep', MINUTE)).toBe(false)
  await one.release('sweep')
  expect(await two.abandoned()).toEqual([])
  expect(await two.claim('sweep', MINUTE)).toBe(true)
  await two.abandonAll()
  expect(await one.abandoned()).toEqual(['sweep'])
  expect(await one.claim('sweep', MINUTE)).toBe(true)
  expect(await one.abandoned()).toEqual([])
  await passTime()
  expect(await two.abandoned()).toEqual(['sweep'])
  expect(await two.claim('sweep', MINUTE)).toBe(true)
  expect(await one.claim('sweep', MINUTE)).toBe(false)
})

it("tells the database's time on every server, whatever their own clocks say", async () => {
  const { url, databases } = await servers(2)
  const clocks = await Promise.all(databases.map((db) => DatabaseClock.start(db)))
  onTestFinished(async () => {
    for (const clock of clocks) await clock.stop()
  })
  for (const { now } of clocks) {
    const before = now()
    const [row] = await ask<{ now: number }>(
      url,
      'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
    )
    // a reading is right to half of the time that it took
    expect(row?.now).toBeGreaterThan(before - 2_000)
    expect(row?.now).toBeLessThan(now() + 2_000)
  }
})
