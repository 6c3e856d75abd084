import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aChannel, aFinding } from '../alerts/fixtures/event.ts'
import type { OpenWithClock } from './alert-store.contract.ts'
import { failed, taken } from './settlements.fixture.ts'
import { record } from './store.fixture.ts'
import type { Store } from './store.ts'

const WINDOW = 30_000
const LEASE = 60_000

/** What every engine promises of the result of a try whose lease has ended. */
export function describeDeliveryClaims(engine: string, open: OpenWithClock): void {
  describe(`${engine}: the result of a try that lasted longer than its lease`, () => {
    let store: Store
    let now: number
    beforeEach(async () => {
      now = Date.UTC(2026, 0, 1)
      store = await open(() => now)
      await store.runs.put('run-1', {}, now)
      await store.channels.create(aChannel())
      await record(store, 'run-1', { changes: [{ type: 'opened', finding: aFinding() }] })
      now += WINDOW
    })
    afterEach(() => store.close())

    const claim = async () => {
      const [claimed] = await store.deliveries.claim({ now, leaseMs: LEASE, limit: 1, except: [] })
      return claimed ?? expect.fail('nothing is due')
    }

    it('is recorded where nobody has taken over', async () => {
      const slow = await claim()
      now += LEASE + 1
      expect(await store.deliveries.settle(slow, taken, now)).toBe(true)
      expect(await store.deliveries.get(slow.id, now)).toMatchObject({ state: 'sent', tries: 1 })
    })

    it('is ignored once another has taken over, or it was asked to be sent again', async () => {
      const first = await claim()
      now += LEASE
      const second = await claim()
      expect(await store.deliveries.settle(first, failed, now)).toBe(false)
      expect(await store.deliveries.get(first.id, now)).toMatchObject({ state: 'pending', tries: 2 })
      now += LEASE
      await store.deliveries.redeliver(first.id, now)
      expect(await store.deliveries.settle(second, failed, now)).toBe(false)
      expect(await store.deliveries.settle(await claim(), taken, now)).toBe(true)
      expect(await store.deliveries.get(first.id, now)).toMatchObject({ state: 'sent', tries: 1 })
    })
  })
}
