import { describe, expect, it } from 'vitest'
import { metaOf, recordedNames, recordedRun } from '../../importers/test/recorded-logs.ts'
import type { Reading } from '../src/index.ts'
import { clipAt } from './readings.ts'
import { judgeAll, readingsOf } from './recorded-runs.ts'

const logs = recordedNames.map((name) => {
  const meta = metaOf(name)
  const readings = readingsOf(recordedRun(name))
  return { name, cap: meta.max_norm, isHealthy: meta.behaviour[0] === 'healthy', readings }
})
type Log = (typeof logs)[number]

/** Health while it ran and at its end, and what opened at which point. */
function verdictOf(readings: readonly Reading[], cap: number): object {
  const { health, finalHealth, changes } = judgeAll(readings, clipAt(cap))
  const opened = changes.flatMap(({ change, point }) =>
    change.type === 'opened' ? [`${change.kind}@${point}`] : [],
  )
  return { health, finalHealth, opened }
}

const warnings = (readings: readonly Reading[], cap: number): string[] =>
  judgeAll(readings, clipAt(cap)).changes.flatMap(({ change }) =>
    change.type === 'opened' && change.severity !== 'info' ? [change.kind] : [],
  )

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
    expect(verdictOf(scaled, cap * 1024)).toEqual(said)
    const later = readings.map((one) => ({ ...one, step: one.step + 100_000 }))
    expect(verdictOf(later, cap)).toEqual(said)
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
    judgeAll(readings, clipAt(cap)).finalHealth === 'flagged'
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
