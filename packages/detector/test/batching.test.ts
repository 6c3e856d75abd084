import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { metaOf, recordedNames, recordedRun } from '../../importers/test/recorded-logs.ts'
import {
  defaultSettings,
  end,
  judge,
  newState,
  parseSettings,
  stateFrom,
  verdict,
  type Change,
  type DetectorState,
  type Reading,
  type RunFacts,
} from '../src/index.ts'
import { anyFacts, anyRun } from './generated-runs.ts'
import { clipAt, reading } from './readings.ts'
import { readingsOf } from './recorded-runs.ts'

interface Outcome {
  readonly changes: readonly Change[]
  readonly state: string
}

/** Judges in one go. */
function atOnce(readings: readonly Reading[], facts: RunFacts): Outcome {
  const state = newState()
  const changes = readings.flatMap((reading) => judge(state, reading, facts, defaultSettings))
  return finish(state, changes, facts)
}

/** After each batch the state may be stored and read back, and some of what was sent may be sent again. */
interface Batch {
  readonly length: number
  readonly restart: boolean
  readonly resent: number
}

function inBatches(readings: readonly Reading[], facts: RunFacts, batches: readonly Batch[]): Outcome {
  let state = newState()
  const changes: Change[] = []
  for (let from = 0, i = 0; from < readings.length; i++) {
    const { length, restart, resent } = batches[i % batches.length] as Batch
    const to = Math.min(readings.length, from + length)
    for (const reading of readings.slice(Math.max(0, from - resent), to))
      changes.push(...judge(state, reading, facts, defaultSettings))
    if (restart) state = JSON.parse(JSON.stringify(state)) as DetectorState
    from = to
  }
  return finish(state, changes, facts)
}

function finish(state: DetectorState, changes: Change[], facts: RunFacts): Outcome {
  verdict(state, facts, defaultSettings)
  changes.push(...end(state, 'finished', facts, defaultSettings))
  return { changes, state: JSON.stringify(state) }
}

const batches = fc.array(
  fc.record({
    length: fc.integer({ min: 1, max: 60 }),
    restart: fc.boolean(),
    resent: fc.integer({ min: 0, max: 40 }),
  }),
  { minLength: 1, maxLength: 10 },
)

describe('any batching, retries and restarts of the same readings', () => {
  it('give the same findings and the same state on generated runs', () => {
    let opened = 0
    fc.assert(
      fc.property(anyRun, anyFacts, batches, (readings, facts, plan) => {
        const expected = atOnce(readings, facts)
        opened += expected.changes.length
        expect(inBatches(readings, facts, plan)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
    expect(opened).toBeGreaterThan(100)
  })

  it('give the same findings where the loss jumps from end to end of what a float64 holds', () => {
    const readings = Array.from({ length: 60 }, (_, step) =>
      reading(step, { gradNorm: 1.7e308, loss: step % 2 === 0 ? 1.7e308 : -1.7e308, zeroFraction: 1.7e308 }),
    )
    const expected = atOnce(readings, clipAt(1))
    expect(inBatches(readings, clipAt(1), [{ length: 1, restart: true, resent: 0 }])).toEqual(expected)
    expect(expected.changes.map(({ kind }) => kind)).toContain('clip_saturated')
    for (const change of expected.changes) {
      const figures = change.type === 'opened' ? Object.values(change.evidence) : []
      for (const figure of figures) expect([Infinity, -Infinity, NaN]).not.toContain(figure)
    }
  })

  it.each(recordedNames)('give the same findings and the same state on %s', (name) => {
    const readings = readingsOf(recordedRun(name)).slice(0, 3000)
    const facts = clipAt(metaOf(name).max_norm)
    const expected = atOnce(readings, facts)
    fc.assert(
      fc.property(batches, (plan) => {
        expect(inBatches(readings, facts, plan)).toEqual(expected)
      }),
      { numRuns: 3 },
    )
  })
})

describe('findings', () => {
  it('of a kind open and close in turn, and none is left open when the run has ended', () => {
    fc.assert(
      fc.property(anyRun, anyFacts, (readings, facts) => {
        const open = new Set<string>()
        for (const { type, kind } of atOnce(readings, facts).changes) {
          expect(open.has(kind)).toBe(type === 'closed')
          if (type === 'opened') open.add(kind)
          else open.delete(kind)
        }
        expect([...open]).toEqual([])
      }),
      { numRuns: 200 },
    )
  })
})

describe('the parts of a step', () => {
  it.each(recordedNames)('give the same findings on %s when the loss is sent apart from the norm', (name) => {
    const readings = readingsOf(recordedRun(name))
    const facts = clipAt(metaOf(name).max_norm)
    const apart = readings.flatMap((reading) => [
      { ...reading, gradNorm: undefined },
      { ...reading, loss: undefined, lr: undefined },
    ])
    expect(atOnce(apart, facts)).toEqual(atOnce(readings, facts))
  })

  it('never lose a NaN, in whichever part it comes', () => {
    fc.assert(
      fc.property(anyRun, fc.nat(), (readings, place) => {
        const state = newState()
        const facts = clipAt(1)
        const at = place % readings.length
        for (const reading of readings.slice(0, at))
          judge(state, { ...reading, loss: 1, gradNorm: 1, lossScale: undefined }, facts, defaultSettings)
        const last = { ...(readings[at] as Reading), lossScale: undefined }
        judge(state, { ...last, gradNorm: 1, loss: undefined }, facts, defaultSettings)
        const changes = judge(state, { ...last, gradNorm: undefined, loss: NaN }, facts, defaultSettings)
        expect(changes.map(({ type, kind }) => `${type} ${kind}`)).toContain('opened nonfinite')
      }),
      { numRuns: 50 },
    )
  })
})

describe('the state', () => {
  it('is plain JSON without non-finite numbers, below 16 KB, for any run', () => {
    fc.assert(
      fc.property(anyRun, anyFacts, (readings, facts) => {
        const state = newState()
        for (const reading of readings) judge(state, reading, facts, defaultSettings)
        expect(JSON.parse(JSON.stringify(state))).toEqual(state)
        expect(JSON.stringify(state).length).toBeLessThan(16 * 1024)
      }),
      { numRuns: 100 },
    )
  })

  it('that version 2 left goes on as if it had been this one', () => {
    const text = readFileSync(join(import.meta.dirname, '../fixtures/state-version-2.json'), 'utf8')
    const taken = stateFrom(JSON.parse(text) as { version: number }) as DetectorState
    const readings = readingsOf(recordedRun('llmc-gpt2-124m')).map((reading) => ({
      ...reading,
      lossScale: reading.step < 6900 ? 65_536 : 32_768,
    }))
    const fold = (state: DetectorState, some: readonly Reading[]) =>
      some.flatMap((reading) => judge(state, reading, clipAt(1), defaultSettings))
    const fresh = newState()
    fold(fresh, readings.slice(0, 7000))
    expect(taken).toEqual(fresh)
    const changes = fold(taken, readings.slice(7000))
    expect(changes.length).toBeGreaterThan(0)
    expect(changes).toEqual(fold(fresh, readings.slice(7000)))
  })

  it('of a version that is not known is not taken up', () => {
    expect([1, 4].map((version) => stateFrom({ version }))).toEqual([undefined, undefined])
  })

  it.each([
    ['by default', {}, (i: number) => i, (i: number) => 1.1 + (i % 7) * 1e-13, -1.234567e-280],
    [
      'under settings that keep most',
      { nonfinite: { amp_count: 20 }, looks_post_clip: { close_share: 0.7 } },
      (i: number) => i,
      (i: number) => 1.1 + (i % 7) * 1e-13,
      -1.234567e-280,
    ],
    [
      'with no two gaps alike and a scale that is never the same twice',
      {},
      (i: number) => i * 999_000 + ((i * i) % 997),
      (i: number) => (i % 2 === 0 ? 1e300 : 1e-290) * (1 + (i % 5) / 10),
      -1.234567e-6,
    ],
  ])(
    'stays below 16 KB where every number is as long as it can be, %s',
    (_, overrides, stepOf, scaleOf, smallest) => {
      const parsed = parseSettings(overrides, defaultSettings)
      if (!parsed.ok) throw new Error('bad settings')
      const state = newState()
      for (const counter of [state.norms, state.clips, state.losses, state.offCap]) counter.seen = 9e9
      state.nonfinite.points = 9e9
      const facts = clipAt(1)
      const far = 2 ** 53 - 1 - stepOf(6000)
      for (let i = 0; i < 6000; i++) {
        judge(
          state,
          {
            step: far + stepOf(i),
            time: 4e9 + i * 2.4e6,
            gradNorm: (i % 2 === 0 ? 1e-290 : 1e300) * (1 + (i % 97) / 97),
            loss: smallest * (1 + (i % 89) / 89),
            lr: 1e-290 * (1 + (i % 83) / 83),
            cap: 0.1 + i / 7e9,
            clipFraction: 0.5,
            maxAbsGrad: 1,
            postNorm: 5,
            lossScale: scaleOf(i),
            skipped: 1,
            zeroFraction: 0.123456789,
            layers: { ['x'.repeat(128)]: 1 },
          },
          facts,
          parsed.settings,
        )
      }
      expect(JSON.stringify(state).length).toBeLessThan(16 * 1024)
      expect(JSON.stringify(state).length).toBeGreaterThan(10_000)
    },
  )
})
