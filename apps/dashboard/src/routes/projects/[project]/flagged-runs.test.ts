import type { Finding } from '@normwatch/protocol'
import { expect, it } from 'vitest'
import { flaggedRuns } from './flagged-runs.ts'

const found = (run: string, kind: string, severity = 'warning') => ({ run, kind, severity }) as Finding

it('names the gravest finding of each run, a stall only where nothing else was found', () => {
  const runs = flaggedRuns([
    found('a', 'stalled'),
    found('b', 'stalled'),
    found('a', 'clip_saturated'),
    found('a', 'vanishing'),
    found('c', 'clip_saturated'),
    found('c', 'nonfinite', 'critical'),
  ])
  expect(runs.map(({ finding, others }) => [finding.run, finding.kind, others])).toEqual([
    ['a', 'clip_saturated', 2],
    ['b', 'stalled', 0],
    ['c', 'nonfinite', 1],
  ])
})
