import { expect, it } from 'vitest'
import { columns } from '../src/storage/store.fixture.ts'
import { startApp } from './start-app.ts'

const LONG = 10_000
const points = (from: number, count: number, others: readonly string[]) => {
  const steps = Array.from({ length: count }, (_, i) => from + i)
  return columns(
    steps,
    {
      grad_norm: steps.map((step) => (step % 2_000 < 1_000 ? 0.5 : 3)),
      ...Object.fromEntries(others.map((name) => [name, steps])),
    },
    steps.map((step) => 1_764_000_000 + step),
  )
}

it.each([
  ['long batch', []],
  ['long batch that is stored in slices', ['a', 'b', 'c', 'd', 'e', 'f']],
])('judges a %s as a whole, though shorter ones arrive while it is judged', async (_, others) => {
  const { call, services } = await startApp()
  // not over HTTP, where a short batch may overtake the long one
  const { ingest } = services
  const clip = { mode: 'norm', max_norm: 1 }
  for (const run of ['at-once', 'in-turn']) await call('PUT', `/runs/${run}`, { clip })
  // The run is known: from here on short batches need not wait for each other.
  for (const run of ['at-once', 'in-turn']) await ingest.accept(run, points(0, 1, others))
  const short = Array.from({ length: 20 }, (_, i) => points(LONG + 5 * i, 5, others))
  const batches = [points(1, LONG - 1, others), ...short]
  await Promise.all(batches.map((batch) => ingest.accept('at-once', batch)))
  for (const batch of batches) await ingest.accept('in-turn', batch)

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

it('stores late steps all over a long run, beside those that arrive meanwhile', async () => {
  const { call, services } = await startApp()
  const { ingest, store } = services
  await call('PUT', '/runs/r', {})
  const steps = 60_000
  for (let from = 0; from < steps; from += LONG) await ingest.accept('r', points(from, LONG, []))
  const late = Array.from({ length: 59 }, (_, i) => 1_000 * (i + 1))
  const [, reply] = await Promise.all([
    ingest.accept('r', columns(late, { eval_loss: late.map((step) => step / 2) })),
    ingest.accept('r', points(steps, 5, [])),
  ])
  expect(reply).toMatchObject({ points: steps + 5, last_step: steps + 4 })
  const found: number[] = []
  for await (const { step, metrics } of store.points.read('r', { metrics: ['eval_loss'] })) {
    const column = metrics.get('eval_loss')
    step.forEach((at, row) => {
      if (column === undefined || column.present?.[row] === 0) return
      found.push(at)
      expect(column.values[row]).toBe(at / 2)
    })
  }
  expect(found).toEqual(late)
  const { body } = await call('GET', '/runs/r/series?metric=grad_norm')
  expect(body.total).toBe(steps + 5)
})
