import { expect, it } from 'vitest'
import { startApp } from './start-app.ts'

const LONG = 10_000
const points = (from: number, count: number) => ({
  columns: {
    step: Array.from({ length: count }, (_, i) => from + i),
    time: Array.from({ length: count }, (_, i) => 1_764_000_000 + from + i),
    grad_norm: Array.from({ length: count }, (_, i) => ((from + i) % 2_000 < 1_000 ? 0.5 : 3)),
  },
})

it('judges a long batch as a whole, though shorter ones arrive while it is judged', async () => {
  const { call } = await startApp()
  const clip = { mode: 'norm', max_norm: 1 }
  for (const run of ['at-once', 'in-turn']) await call('PUT', `/runs/${run}`, { clip })
  // The run is known: from here on short batches need not wait for each other.
  for (const run of ['at-once', 'in-turn']) await call('POST', `/runs/${run}/points`, points(0, 1))
  const batches = [points(1, LONG - 1), ...Array.from({ length: 20 }, (_, i) => points(LONG + 5 * i, 5))]
  await Promise.all(batches.map((batch) => call('POST', '/runs/at-once/points', batch)))
  for (const batch of batches) await call('POST', '/runs/in-turn/points', batch)

  const told = async (run: string) => {
    const { body } = await call('GET', `/runs/${run}`)
    const { findings } = (await call('GET', `/runs/${run}/findings`)).body
    return {
      clipping: body.clipping,
      health: body.health,
      points: body.points,
      findings: findings.map(({ kind, opened_step, closed_step, evidence }: Record<string, unknown>) => ({
        kind,
        opened_step,
        closed_step,
        evidence,
      })),
    }
  }
  const inTurn = await told('in-turn')
  expect(inTurn.points).toBe(LONG + 100)
  expect(inTurn.findings.length).toBeGreaterThan(3)
  expect(await told('at-once')).toEqual(inTurn)
})
