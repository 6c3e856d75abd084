import { describe, expect, it } from 'vitest'
import {
  countedMetaOf,
  countedNames,
  metaOf,
  recordedNames,
  recordedRun,
  recordedRuns,
} from '../../importers/test/recorded-logs.ts'
import type { Reading, RunFacts } from '../src/index.ts'
import { clipAt } from './readings.ts'
import { judgeAll, readingsOf } from './recorded-runs.ts'

interface Log {
  readonly name: string
  /** `null`: the run does not clip. */
  readonly cap: number | null
  readonly isHealthy: boolean
  readonly readings: readonly Reading[]
}

const first = recordedNames.map((name): Log => {
  const meta = metaOf(name)
  const readings = readingsOf(recordedRun(name))
  return { name, cap: meta.max_norm, isHealthy: meta.behaviour[0] === 'healthy', readings }
})

/** The logs collected later: every run of each that has a norm of its own, healthy where it raises no warning as it is. */
const later = await Promise.all(
  countedNames.map(async (name) => {
    const { file, more_files: more = [], max_norm: cap } = countedMetaOf(name)
    const runs = (await Promise.all([file, ...more].map((one) => recordedRuns(name, one)))).flat()
    const withNorms = runs.map(readingsOf).filter((run) => run.some(({ gradNorm }) => gradNorm !== undefined))
    return withNorms.map((readings, i): Log => {
      const { finalHealth } = judgeAll(readings, factsOf(cap))
      const isHealthy = finalHealth === 'ok' && warnings(readings, cap).length === 0
      return { name: withNorms.length === 1 ? name : `${name} ${i + 1}`, cap, isHealthy, readings }
    })
  }),
)
const logs = [...first, ...later.flat()]

function factsOf(cap: number | null): RunFacts {
  return cap === null ? { clip: { mode: 'none', max_norm: null }, optimizer: null } : clipAt(cap)
}

/** Health while it ran and at its end, and what opened at which point. */
function verdictOf(readings: readonly Reading[], cap: number | null): object {
  const { health, finalHealth, changes } = judgeAll(readings, factsOf(cap))
  const opened = changes.flatMap(({ change, point }) =>
    change.type === 'opened' ? [`${change.kind}@${point}`] : [],
  )
  return { health, finalHealth, opened }
}

function warnings(readings: readonly Reading[], cap: number | null): string[] {
  return judgeAll(readings, factsOf(cap)).changes.flatMap(({ change }) =>
    change.type === 'opened' && change.severity !== 'info' ? [change.kind] : [],
  )
}

const without = (field: 'lr' | 'loss', { readings }: Log): Reading[] =>
  readings.map((reading) => ({ ...reading, [field]: undefined }))
const thinned = (by: number, { readings }: Log): Reading[] => readings.filter((_, i) => i % by === 0)

describe.each(logs)('what is said of $name', (log) => {
  const { cap, readings } = log

  it('is the same without times, in other units of the norm, and at later steps', () => {
    const said = verdictOf(readings, cap)
    const timeless = readings.map((one) => ({ ...one, time: NaN }))
    expect(verdictOf(timeless, cap)).toEqual(said)
    const scaled = readings.map((one) => ({ ...one, gradNorm: one.gradNorm && one.gradNorm * 1024 }))
    expect(verdictOf(scaled, cap && cap * 1024)).toEqual(said)
    const moved = readings.map((one) => ({ ...one, step: one.step + 100_000 }))
    expect(verdictOf(moved, cap)).toEqual(said)
  })

  it('is the same of its norms without its loss', () => {
    const said = warnings(readings, cap).filter((kind) => kind !== 'loss_divergence')
    expect(warnings(without('loss', log), cap)).toEqual(said)
  })
})

describe('a healthy log', () => {
  it.each(logs.filter(({ isHealthy }) => isHealthy))(
    'raises no warning without lr, thinned or cut: $name',
    (log) => {
      const { cap, readings } = log
      expect(warnings(without('lr', log), cap)).toEqual([])
      for (const by of [2, 5, 10]) expect(warnings(thinned(by, log), cap)).toEqual([])
      expect(warnings(readings.slice(0, readings.length >> 1), cap)).toEqual([])
    },
  )
})

describe('a flagged log', () => {
  const isFlagged = (readings: readonly Reading[], { cap }: Log): boolean =>
    judgeAll(readings, factsOf(cap)).finalHealth === 'flagged'
  const flagged = logs.filter((log) => isFlagged(log.readings, log) && log.readings.length > 40)

  it.each(flagged)('is flagged without lr, and thinned while its evidence is left: $name', (log) => {
    expect(isFlagged(without('lr', log), log)).toBe(true)
    for (const by of THINNED[log.name] ?? [2, 5, 10]) {
      const readings = thinned(by, log)
      if (readings.length >= 20) expect(isFlagged(readings, log), `every ${by}th`).toBe(true)
    }
  })
})

/**
 * Verdicts that thinning may change, because it takes the evidence: every second point of verl-agent-opd-144822 leaves
 * 12 clipped ones at its end, too few for a window of 25; every tenth of verl-agent-opd-221801 leaves two norms before
 * the fall.
 */
const THINNED: Readonly<Record<string, readonly number[]>> = {
  'verl-agent-opd-144822': [],
  'verl-agent-opd-221801': [2, 5],
}
