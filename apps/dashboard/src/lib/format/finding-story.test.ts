import type { Finding } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import {
  lookedAtWords,
  noCauseWords,
  movedWords,
  onsetWords,
  storyOf,
  type FindingStory,
} from '#lib/format/finding-story.ts'

const finding: Finding & Partial<FindingStory> = {
  id: 'f',
  run: 'r',
  part: null,
  kind: 'clip_saturated',
  severity: 'warning',
  state: 'open',
  onset: null,
  opened_step: 58,
  opened_at: '2026-01-01T00:00:00.000Z',
  closed_step: null,
  closed_at: null,
  close_reason: null,
  evidence: {},
  diagnosis: [],
  moved: [],
  events: [],
  layers: [],
  sibling: null,
}
const moved = { metric: 'actor/kl', before: 1, after: 5.2, ratio: 5.2, at_step: 33, lead: -1 }

describe('how a finding began', () => {
  it('is said where it began before it was seen', () => {
    expect(onsetWords({ ...finding, onset: 34 } as Finding)).toBe('began at step 34, seen at step 58')
    expect(onsetWords({ ...finding, onset: 58 } as Finding)).toBe('')
    expect(onsetWords({ ...finding, onset: null } as Finding)).toBe('')
  })
  it('is not known from a server that does not tell it', () => {
    expect(onsetWords(finding)).toBe('')
    expect(storyOf(finding)).toEqual({ onset: null, moved: [], events: [], sibling: null, part: null })
  })
})

describe('a metric that moved', () => {
  it.each([
    [{}, 'rose 5.2× at step 33, 1 step before the norm'],
    [{ ratio: 0.25, lead: 0 }, 'fell to 0.25× at step 33, with the norm'],
    [{ before: -2, after: 3, ratio: null, lead: 4 }, 'went from −2 to 3 at step 33, 4 steps after the norm'],
    [{ after: 'NaN', ratio: 'NaN' }, 'became NaN at step 33, 1 step before the norm'],
    [{ after: 'Infinity', ratio: 'Infinity' }, 'became +Inf at step 33, 1 step before the norm'],
  ])('with %o reads: %s', (more, words) => expect(movedWords({ ...moved, ...more })).toBe(words))
})

describe('a search that found no cause', () => {
  it.each([
    [
      { moved: undefined },
      ['grad_norm', 'loss', 'lr', 'kl'],
      'Looked at norm, loss and lr; loss scale was not logged.',
    ],
    [
      { moved: [] },
      ['grad_norm/a', 'loss/a', 'lr', 'loss_scale', 'kl', 'x'],
      'Looked at norm, loss, lr, loss scale and 2 more metrics.',
    ],
    [{}, ['grad_norm'], 'Looked at norm; loss, lr and loss scale were not logged.'],
  ])('with %o and %j logged says: %s', (more, logged, words) =>
    expect(lookedAtWords({ ...finding, ...more } as Finding, logged)).toBe(words),
  )
  it('says of a run that stalled what may have happened, not what was logged', () => {
    expect(noCauseWords({ ...finding, kind: 'stalled' }, ['loss'])).toBe(
      'The training may have ended or hang, or it no longer reaches this server.',
    )
    expect(noCauseWords(finding, ['loss'])).toMatch(/^No cause found\. Looked at norm and loss/)
  })
})
