import { expect, it } from 'vitest'
import { isType, liveClient } from './live-client.ts'
import { startApp } from './start-app.ts'

const DAY = 86_400_000

it('removes the runs to which nothing came for too long, and tells their readers', async () => {
  const clock = { now: 1_764_000_000_000 }
  const { call, services, listen } = await startApp({ now: () => clock.now })
  const reader = await liveClient(await listen())
  for (const [id, project] of [
    ['old', 'p'],
    ['revived', 'p'],
    ['other', 'q'],
  ]) {
    await call('PUT', `/runs/${id}`, { project })
    await call('POST', `/runs/${id}/points`, { points: [{ step: 0, loss: 1 }] })
  }
  reader.send({ type: 'watch', run: 'old' })
  await reader.until(isType('run'))
  clock.now += 20 * DAY
  await call('POST', '/runs/revived/points', { points: [{ step: 1, loss: 1 }] })
  await call('PUT', '/runs/new', {})
  clock.now += 15 * DAY
  await services.ingest.removeSilent(clock.now - 30 * DAY)
  expect(await reader.until(isType('gap'))).toEqual({ type: 'gap', run: 'old', reason: 'deleted' })
  const { runs } = (await call('GET', '/runs?sort=name')).body
  expect(runs.map(({ id }: { id: string }) => id)).toEqual(['new', 'revived'])
  const refused = await call('POST', '/runs/old/points', { points: [{ step: 1, loss: 1 }] })
  expect(refused.body.error.code).toBe('run_not_found')
})
