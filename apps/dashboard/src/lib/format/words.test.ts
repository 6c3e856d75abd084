import type { Finding, Run } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { capOfNorm, clipWords } from '#lib/format/clip.ts'
import { evidenceFigures, findingSpan, findingTitle } from '#lib/format/finding.ts'
import { healthSentence, statusWord } from '#lib/format/health.ts'

const plain = (text: string) => text.replaceAll('\u202f', ' ')

const run: Run = {
  id: 'a',
  project: 'p',
  name: 'a',
  status: 'running',
  clip: { mode: 'norm', max_norm: 1 },
  optimizer: null,
  config: {},
  tags: [],
  notes: '',
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
  ended_at: null,
  points: 1000,
  last_step: 999,
  latest: {},
  clipping: {
    window: 200,
    rate: 0.93,
    rate_total: 0.4,
    mean_coefficient: 0.4,
    current_streak: 3,
    longest_streak: 8,
  },
  nonfinite: 0,
  health: 'ok',
  conditions: [],
  parts: [],
}
const saturated = {
  part: null,
  kind: 'clip_saturated',
  severity: 'warning',
  since_step: 420,
  finding: 'f',
} as const

describe('a run in words', () => {
  it('says why a run is flagged, with its figures', () => {
    expect(plain(healthSentence({ ...run, health: 'flagged', conditions: [saturated] }))).toBe(
      'clipped in 93% of the last 200 logged steps, since step 420.',
    )
  })
  it('says why a run that has ended is flagged though nothing holds any more', () => {
    expect(plain(healthSentence({ ...run, health: 'flagged' }))).toBe(
      'a finding was open at the end of the run; clipped in 93% of the last 200 logged steps.',
    )
  })
  it('claims no finding of a run that is only watched', () => {
    const watched = { ...run, health: 'watch' } as const
    expect(plain(healthSentence({ ...watched, status: 'running' }))).toBe(
      'a finding may open; clipped in 93% of the last 200 logged steps.',
    )
    expect(plain(healthSentence({ ...watched, status: 'finished' }))).toBe(
      'no finding was open at the end of the run; clipped in 93% of the last 200 logged steps.',
    )
  })
  it('says of a run that only logs that nothing was clipped', () => {
    const clip = { mode: 'none', max_norm: 2 } as const
    expect(plain(healthSentence({ ...run, clip }))).toBe(
      'over the reference cap in 93% of the last 200 logged steps.',
    )
    const bare = { ...run, clip: { mode: 'none' } as const, clipping: { ...run.clipping, rate: null } }
    for (const health of ['unknown', 'ok'] as const)
      expect(healthSentence({ ...bare, health })).toBe('nothing is clipped and there is no reference cap.')
  })
  it('says that there is nothing to judge yet', () => {
    const young = { ...run, health: 'unknown' as const, clipping: { ...run.clipping, rate: null } }
    expect(healthSentence({ ...young, points: 0 })).toBe('no points have arrived yet.')
    expect(healthSentence({ ...young, points: 5 })).toBe('fewer than 20 norms so far, too few to judge.')
  })
  it('calls a silent run stalled, and an ended one by its end', () => {
    const stalled = { ...saturated, kind: 'stalled' } as const
    expect(statusWord({ ...run, conditions: [stalled] })).toBe('stalled')
    expect(statusWord({ ...run, status: 'finished', conditions: [stalled] })).toBe('finished')
  })
  it.each([
    [{ mode: 'norm', max_norm: 1 }, 'norm ≤ 1', 1],
    [{ mode: 'value', clip_value: 0.5 }, 'value ± 0.5', null],
    [{ mode: 'none' }, 'log only', null],
    [{ mode: 'none', max_norm: 5 }, 'log only, reference 5', 5],
  ] as const)('describes the clip %o', (clip, words, cap) => {
    expect(clipWords(clip)).toBe(words)
    expect(capOfNorm(clip)).toBe(cap)
  })
})

describe('a finding in words', () => {
  const finding: Finding = {
    id: 'f',
    run: 'a',
    part: null,
    kind: 'clip_saturated',
    severity: 'warning',
    state: 'open',
    onset: null,
    opened_step: 1420,
    opened_at: '2026-01-01T00:00:00.000Z',
    closed_step: null,
    closed_at: null,
    close_reason: null,
    evidence: {
      window: 200,
      rate: 0.95,
      median_norm: 3.1415,
      max_norm: 1,
      mode: 'norm',
      last: 'Infinity',
      optimizer: 'sgd',
      x: null,
    },
    diagnosis: [],
    moved: [],
    events: [],
    layers: [],
    sibling: null,
  }
  it('has a title and a span', () => {
    expect(findingTitle(finding)).toBe('Clipping is saturated')
    expect(plain(findingSpan(finding))).toBe('since step 1 420')
    const closed = { ...finding, state: 'closed', closed_step: 1980 } as const
    expect(plain(findingSpan({ ...closed, close_reason: 'recovered' }))).toBe(
      'steps 1 420 to 1 980 (560 steps)',
    )
    expect(plain(findingSpan({ ...closed, close_reason: 'run_finished' }))).toBe(
      'steps 1 420 to 1 980 (561 steps)',
    )
    expect(plain(findingSpan({ ...finding, state: 'closed', closed_step: 1420 }))).toBe('at step 1 420')
    expect(findingSpan({ ...finding, opened_step: null })).toBe('')
  })
  it('shows each figure of the evidence, non-finite ones too, and leaves out what is not known', () => {
    expect(evidenceFigures(finding).map(({ label, text }) => [label, plain(text)])).toEqual([
      ['window, logged points', '200'],
      ['share clipped', '95%'],
      ['median pre-clip norm', '3.14'],
      ['cap', '1'],
      ['last', '+Inf'],
      ['optimizer', 'sgd'],
    ])
  })
})
