import { describe, expect, it } from 'vitest'
import { LONGEST_WAIT_MS, RETRY_AFTER_MS, retryAfterMs, verdict, type Answer } from './retry-schedule.ts'

const now = Date.UTC(2026, 0, 1, 12)
const failure = (status: number | null, retryAfter: string | null = null): Answer => ({
  status,
  ok: false,
  error: 'no',
  body: null,
  retryAfter,
})

describe('verdict', () => {
  it('tries seven times over 17 hours and a half, then gives up', () => {
    let time = now
    const waits: number[] = []
    for (let tries = 1; ; tries++) {
      const next = verdict(failure(500), tries, time, 0)
      if (next.state !== 'pending') {
        expect(next).toEqual({ state: 'failed' })
        expect(tries).toBe(7)
        break
      }
      waits.push(next.due_at - time)
      time = next.due_at
    }
    expect(waits).toEqual([5e3, 300e3, 1800e3, 7200e3, 18000e3, 36000e3])
    expect(waits).toEqual(RETRY_AFTER_MS)
  })
  it('draws waits out by at most a tenth and never shortens them', () => {
    for (const random of [0, 0.3, 0.999]) {
      const next = verdict(failure(null), 2, now, random)
      const wait = next.state === 'pending' ? next.due_at - now : NaN
      expect(wait).toBeGreaterThanOrEqual(300e3)
      expect(wait).toBeLessThan(330e3)
    }
  })
  it.each([301, 302, 307, 308, 400, 404, 429, 500, 502, 503, null])('tries again after %s', (status) => {
    expect(verdict(failure(status), 1, now, 0)).toEqual({ state: 'pending', due_at: now + 5e3 })
  })
  it('is done with a success, and with a receiver that is gone', () => {
    expect(verdict({ ...failure(204), ok: true }, 7, now, 0)).toEqual({ state: 'sent' })
    expect(verdict(failure(410), 1, now, 0)).toEqual({ state: 'disabled' })
  })
  it.each([
    ['120', 120e3],
    ['3', 5e3],
    [new Date(now + 90_000).toUTCString(), 90e3],
    [new Date(now - 90_000).toUTCString(), 5e3],
    ['soon', 5e3],
    ['99999999', LONGEST_WAIT_MS],
  ])('waits as long as the table and retry-after "%s" both ask', (header, wait) => {
    expect(verdict(failure(429, header), 1, now, 0)).toEqual({ state: 'pending', due_at: now + wait })
  })
})

describe('retryAfterMs', () => {
  it.each([
    [null, undefined],
    ['', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['1e9', undefined],
    ['0', 0],
    [' 7 ', 7_000],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['Thursday, 01-Jan-26 12:00:30 GMT', 30_000],
    ['Thu, 99 Foo 2026', undefined],
  ])('reads %j as %s ms', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected)
  })
})
