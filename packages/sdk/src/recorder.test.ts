import { describe, expect, it } from 'vitest'
import { readFixture } from '../test/fixtures.ts'
import { Batcher } from './batcher.ts'
import { encodeBatch } from './chunk.ts'
import { Recorder } from './recorder.ts'
import type { Readings } from './types.ts'

interface BatchCase {
  name: string
  from_step?: number
  calls: { clock: number; readings: Record<string, unknown> }[]
  columns: Record<string, unknown[]>
  refused: string[]
}
const { cases } = readFixture<{ cases: BatchCase[] }>('batches')

function start(firstStep: number, maxAgeMs = Infinity) {
  const refused: string[] = []
  const batches: Record<string, unknown[]>[] = []
  let clock = 0
  const batcher = new Batcher({
    maxAgeMs,
    onBatch: (batch) => batches.push(encodeBatch(batch)),
    onEvents: () => {},
  })
  const recorder = new Recorder({
    batcher,
    now: () => clock * 1000,
    firstStep,
    refuse: (name) => refused.push(name),
    doubt: () => {},
  })
  return {
    refused,
    log(readings: unknown, at = 100) {
      clock = at
      recorder.record(readings as Readings)
    },
    batches() {
      batcher.seal()
      return batches
    },
  }
}

/** In fixtures, `{"float": "NaN"}` stands for a number that JSON cannot represent. */
function revive(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value)
  if (entries.length === 1 && entries[0]?.[0] === 'float') return Number(entries[0][1])
  return Object.fromEntries(entries.map(([key, inner]) => [key, revive(inner)]))
}

const CAMEL = new Map([
  ['grad_norm', 'gradNorm'],
  ['max_norm', 'maxNorm'],
  ['clip_fraction', 'clipFraction'],
  ['max_abs_grad', 'maxAbsGrad'],
  ['post_norm', 'postNorm'],
  ['loss_scale', 'lossScale'],
  ['zero_fraction', 'zeroFraction'],
])
const inTypeScript = (readings: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(readings).map(([name, value]) => [CAMEL.get(name) ?? name, value]))

describe('how log reads its arguments', () => {
  it.each(cases)('$name', ({ from_step, calls, columns, refused }) => {
    const run = start(from_step ?? 0)
    for (const { clock, readings } of calls)
      run.log(inTypeScript(revive(readings) as Record<string, unknown>), clock)
    expect(run.batches()).toEqual([columns])
    expect(run.refused).toEqual(refused)
  })

  it('sends a batch when its first row is half a second old, even if no timer can run', () => {
    const run = start(0, 500)
    for (const at of [1, 1.2, 1.4, 1.6, 1.9, 2.2]) run.log({ loss: at }, at)
    expect(run.batches().map(({ step }) => step)).toEqual([[0, 1, 2], [3, 4], [5]])
  })

  it('keeps metrics with names of object properties, such as __proto__', () => {
    const { log, batches } = start(0)
    log(JSON.parse('{"__proto__": 1, "constructor": 2}'))
    expect(JSON.stringify(batches())).toBe('[{"step":[0],"time":[100],"__proto__":[1],"constructor":[2]}]')
  })

  it("leaves the time to the server while the machine's clock is out of range", () => {
    const run = start(0)
    run.log({ loss: 1 }, -5)
    run.log({ loss: 2 }, 1e12)
    expect(run.batches()[0]?.['time']).toEqual([null, null])
  })

  it('splits readings that are too many for one request, and keeps every step', () => {
    const run = start(0)
    for (let i = 0; i < 25_000; i++) run.log({ loss: i })
    const batches = run.batches()
    expect(batches.map(({ step }) => step?.length)).toEqual([10_000, 10_000, 5_000])
    expect(batches.flatMap(({ step }) => step)).toEqual(Array.from({ length: 25_000 }, (_, i) => i))
    expect(batches.flatMap(({ loss }) => loss)).toEqual(Array.from({ length: 25_000 }, (_, i) => i))
  })

  it('keeps a batch below the body limit if a late step adds thousands of layers', () => {
    const run = start(0)
    for (let i = 0; i < 3_000; i++) run.log({ gradNorm: i })
    const layers = Object.fromEntries(
      Array.from({ length: 4_096 }, (_, i) => [`block.${i}.weight`, Math.PI * i]),
    )
    for (let i = 0; i < 100; i++) run.log({ gradNorm: i, layers })
    const batches = run.batches()
    for (const batch of batches)
      expect(JSON.stringify({ columns: batch }).length).toBeLessThan(8 * 1024 * 1024)
    const last = batches.flatMap((batch) => batch['layers/block.4095.weight'] ?? [])
    expect(last.filter((value) => value !== null)).toHaveLength(100)
    const steps = new Set(batches.flatMap(({ step }) => step))
    expect(steps.size).toBe(3_100)
  })

  it('refuses only a 257th metric and a 4,097th layer', () => {
    const run = start(0)
    run.log(Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`m${i}`, i])))
    run.log({ layers: Object.fromEntries(Array.from({ length: 4_097 }, (_, i) => [`l${i}`, i])) })
    expect(run.refused).toEqual(['m256', 'layers/l4096'])
  })
})
