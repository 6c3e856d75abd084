import { describe, expect, it } from 'vitest'
import type { StoredMute } from '../storage/alert-store.ts'
import { aChannel, aFinding, aRun } from './fixtures/event.ts'
import { groupedBy } from './grouping.ts'
import { matches, muteOf } from './matches.ts'

const now = Date.UTC(2026, 0, 1)
const aMute = (fields: Partial<StoredMute>): StoredMute => ({
  id: 'm-1',
  run: null,
  project: null,
  kind: null,
  until: now + 3_600_000,
  created_at: now,
  ...fields,
})

describe('matches', () => {
  it.each([
    ['no filter', {}, true],
    ['a disabled channel', { enabled: false }, false],
    ['its project', { project: 'toy-rnn' }, true],
    ['another project', { project: 'toy' }, false],
    ['its kind among others', { kinds: ['spike', 'clip_saturated'] }, true],
    ['other kinds', { kinds: ['spike', 'nonfinite'] }, false],
    ['a lower severity', { min_severity: 'info' }, true],
    ['a higher severity', { min_severity: 'critical' }, false],
    ['text in the name, other case', { text: 'CLIP' }, true],
    ['text in the id', { text: 'run-1' }, true],
    ['text in the project', { text: 'rnn' }, true],
    ['text that is nowhere', { text: 'baseline' }, false],
    ['its tag', { tag: 'baseline' }, true],
    ['part of its tag', { tag: 'base' }, false],
    ['two filters of which one fails', { tag: 'baseline', project: 'x' }, false],
  ] as const)('with %s', (_name, filter, expected) => {
    expect(matches(aChannel(filter), aFinding(), aRun())).toBe(expected)
  })
})

describe('muteOf', () => {
  it.each([
    ['its run', { run: 'run-1' }, true],
    ['another run', { run: 'run-2' }, false],
    ['its project', { project: 'toy-rnn' }, true],
    ['its kind', { kind: 'clip_saturated' }, true],
    ['another kind', { kind: 'spike' }, false],
    ['its kind in another project', { kind: 'clip_saturated', project: 'x' }, false],
    ['its run, but until now', { run: 'run-1', until: now }, false],
  ] as const)('finds a mute of %s', (_name, fields, expected) => {
    expect(muteOf(aFinding(), aRun(), [aMute(fields)], now) !== undefined).toBe(expected)
  })
  it('takes the one that lasts longest', () => {
    const mutes = [aMute({}), aMute({ id: 'm-2', until: now + 7_200_000 })]
    expect(muteOf(aFinding(), aRun(), mutes, now)?.id).toBe('m-2')
  })
})

describe('groupedBy', () => {
  const channels = [aChannel(), aChannel({ id: 'ch-2', kinds: ['spike'] }), aChannel({ id: 'ch-3' })]

  it('sends to every channel that matches, when the window is over', () => {
    expect(groupedBy(30).routes(aFinding(), aRun(), channels, [], now)).toEqual([
      { channel: 'ch-1', due_at: now + 30_000, mute: null },
      { channel: 'ch-3', due_at: now + 30_000, mute: null },
    ])
  })
  it('sends at once with a window of 0', () => {
    expect(groupedBy(0).routes(aFinding(), aRun(), channels, [], now)[0]?.due_at).toBe(now)
    expect(groupedBy(0).dueAt(now)).toBe(now)
  })
  it('holds a muted opening until the mute ends, and never less than the window', () => {
    const routes = (until: number) =>
      groupedBy(30).routes(aFinding(), aRun(), channels, [aMute({ run: 'run-1', until })], now)
    expect(routes(now + 3_600_000)[0]).toEqual({ channel: 'ch-1', due_at: now + 3_600_000, mute: 'm-1' })
    expect(routes(now + 5_000)[0]?.due_at).toBe(now + 30_000)
  })
})
