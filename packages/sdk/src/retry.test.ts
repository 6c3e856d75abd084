import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readFixture } from '../test/fixtures.ts'
import { readErrorReply } from './error-reply.ts'
import { decide, readRetryAfter, type Outcome } from './retry.ts'

interface RetryFixture {
  decisions: {
    outcome: Outcome
    attempt: number
    points: number
    action: string
    delay_ms?: [number, number]
  }[]
  error_replies: { name: string; body: unknown; code: string | null }[]
  retry_after: { header: string | null; now: string; ms: number | null }[]
}
const { decisions, error_replies, retry_after } = readFixture<RetryFixture>('retry')
const ALMOST_ONE = 1 - 2 ** -53

describe('the retry policy', () => {
  it.each(decisions)(
    'decides $action after $outcome, try $attempt',
    ({ outcome, attempt, points, action, delay_ms }) => {
      const lowest = decide(outcome, attempt, points, 0)
      const highest = decide(outcome, attempt, points, ALMOST_ONE)
      expect(lowest.action).toBe(action)
      if (delay_ms === undefined) return expect(highest).toEqual({ action })
      expect(lowest).toEqual({ action, delayMs: delay_ms[0] })
      expect((highest as { delayMs: number }).delayMs).toBeCloseTo(delay_ms[1], 6)
    },
  )

  it('never waits longer than five minutes or less than a quarter of a second', () => {
    const outcomes = fc.record({
      kind: fc.constant('reply' as const),
      status: fc.constantFrom(408, 425, 429, 500, 503, 302),
      retry_after_ms: fc.integer({ min: 0, max: 1e12 }),
      readable: fc.boolean(),
    })
    fc.assert(
      fc.property(
        outcomes,
        fc.integer({ min: 1, max: 1e9 }),
        fc.double({ min: 0, max: ALMOST_ONE, noNaN: true }),
        (outcome, attempt, chance) => {
          const decision = decide(outcome, attempt, 10, chance)
          expect(decision.action).toBe('retry')
          const { delayMs } = decision as { delayMs: number }
          expect(delayMs).toBeGreaterThanOrEqual(250)
          expect(delayMs).toBeLessThanOrEqual(300_000)
        },
      ),
    )
  })

  it.each(retry_after)('reads retry-after $header as $ms ms', ({ header, now, ms }) => {
    expect(readRetryAfter(header, Date.parse(now))).toBe(ms)
  })
})

describe('an error of a reply', () => {
  it.each(error_replies)('is one of Normwatch only in its form: $name', ({ body, code }) => {
    expect(readErrorReply(body)?.code ?? null).toBe(code)
  })

  it('is one of Normwatch with every code of the server', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8')
    const codes = [...page.matchAll(/^\| `(.+)` \| \d+ \|/gm)].map(([, code]) => code)
    expect(codes).toContain('run_not_found')
    for (const code of codes)
      expect(readErrorReply({ error: { code, message: 'no', details: [] } })?.code).toBe(code)
  })
})
