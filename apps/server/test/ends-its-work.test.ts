import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { ask, databaseInPlaceOf } from './postgres.ts'
import { startApp } from './start-app.ts'

it('stops to remind before its store is closed, however long the database takes', async () => {
  const { services, folder } = await startApp()
  const url = (await databaseInPlaceOf(folder)) as string
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  onTestFinished(() => other.end())
  await other.query('begin; lock table chores in access exclusive mode')
  services.alerts.start('https://norms.example')
  const waiting = () =>
    ask(url, `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
  await expect.poll(async () => (await waiting()).length).toBeGreaterThan(0)
  let hasStopped = false
  const stopped = services.alerts.stop().then(() => (hasStopped = true))
  expect(await waiting()).not.toEqual([])
  expect(hasStopped).toBe(false)
  await other.query('commit')
  await stopped
})
