import type { Delivery } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { eventWords, newestOfChannels, tellingOf, waitWords } from '#lib/format/alert.ts'

const now = Date.parse('2026-01-01T00:00:00.000Z')
const delivery: Delivery = {
  id: 'msg_1',
  channel: 'ch_1',
  state: 'pending',
  events: [{ type: 'finding.opened', finding: 'f', kind: 'clip_saturated', run: 'r' }],
  event_count: 1,
  created_at: '2026-01-01T00:00:00.000Z',
  next_try_at: '2026-01-01T00:04:00.000Z',
  muted: false,
  tries: 2,
  last_try_at: null,
  status: null,
  error: null,
  response: null,
}

describe('a delivery in words', () => {
  it.each([
    [{}, 'next try in 4 min'],
    [{ tries: 0 }, 'sends in 4 min'],
    [{ next_try_at: '2025-12-31T23:59:59.000Z' }, 'sending'],
    [{ next_try_at: null }, 'queued behind an earlier message'],
    [{ muted: true }, 'held by a mute'],
    [{ state: 'sent' as const }, ''],
  ])('with %o waits: %s', (more, words) => {
    expect(waitWords({ ...delivery, ...more }, now)).toBe(words)
  })
  it('says what it told, and of a group how much', () => {
    expect(eventWords(delivery)).toBe('opening: clipping is saturated')
    expect(eventWords({ ...delivery, event_count: 200 })).toBe('200 events')
    const closing = { ...delivery.events[0], type: 'finding.closed' } as Delivery['events'][number]
    expect(tellingOf({ events: [...delivery.events, closing] }, 'f')).toBe('closing')
    expect(tellingOf(delivery, 'a finding beyond those named')).toBe('told')
  })
  it('is kept of each channel once, the newest', () => {
    const list = ['a', 'b', 'a', 'b', 'c'].map((channel, i) => ({ ...delivery, id: String(i), channel }))
    expect(newestOfChannels(list).map(({ id }) => id)).toEqual(['0', '1', '4'])
  })
})
