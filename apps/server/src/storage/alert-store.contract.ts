import { MAX_EVENTS_PER_MESSAGE } from '@normwatch/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aChannel, aFinding } from '../alerts/fixtures/event.ts'
import { DeliveryNotFound, MuteNotFound, type StoredChannel, type StoredMute } from './alert-store.ts'
import { failed, refused, taken } from './settlements.fixture.ts'
import { judgement, record as recordIn } from './store.fixture.ts'
import { BadCursor, type FindingChange, type Store } from './store.ts'

/** The engine under test, with the group window of 30 seconds and `now` as its clock. */
export type OpenWithClock = (now: () => number) => Promise<Store>

const WINDOW = 30_000
const HOUR = 3_600_000
export function describeAlertStore(engine: string, open: OpenWithClock): void {
  describe(`${engine}: alerts`, () => {
    let store: Store
    let now: number
    beforeEach(async () => {
      now = Date.UTC(2026, 0, 1)
      store = await open(() => now)
      await store.runs.put('run-1', { project: 'toy', name: 'seed 1', tags: ['a'] }, now)
    })
    afterEach(() => store.close())

    const channel = (id: string, fields: Partial<StoredChannel> = {}) =>
      store.channels.create(aChannel({ id, created_at: now, ...fields }))
    const record = (...changes: FindingChange[]) => recordIn(store, 'run-1', { changes })
    const openings = (...ids: string[]) =>
      record(...ids.map((id) => ({ type: 'opened', finding: aFinding({ id, part: id }) }) as const))
    const closing = (id: string): FindingChange => ({
      type: 'closed',
      id,
      closed_step: 900,
      closed_at: now,
      close_reason: 'recovered',
    })
    const claim = (except: string[] = [], limit = 10) =>
      store.deliveries.claim({ now, leaseMs: 60_000, limit, except })
    const claimOne = async () => (await claim())[0] ?? expect.fail('nothing is due')
    const mute = (id: string, until: number): StoredMute => ({
      id,
      run: 'run-1',
      project: null,
      kind: null,
      until,
      created_at: now,
    })
    const told = async () =>
      (await store.deliveries.list({ limit: 100 }, now)).deliveries.map(({ events }) =>
        events.map(({ type, finding }) => `${type} ${finding}`),
      )

    describe('what is queued', () => {
      it('is an opening, for each channel that matches, with the record as it was', async () => {
        await channel('ch-1')
        await channel('ch-2', { kinds: ['spike'] })
        await channel('ch-3', { tag: 'a' })
        await openings('f-1')
        expect(await claim()).toEqual([])
        now += WINDOW
        const claimed = await claim()
        expect(claimed.map((delivery) => delivery.channel.id)).toEqual(['ch-1', 'ch-3'])
        expect(claimed[0]).toMatchObject({
          tries: 1,
          events: [
            {
              type: 'finding.opened',
              at: now - WINDOW,
              finding: aFinding({ id: 'f-1', part: 'f-1' }),
              run: { id: 'run-1', name: 'seed 1', project: 'toy', clipping: judgement.clipping },
            },
          ],
        })
      })
      it('shares one message a channel within the window, up to its bound', async () => {
        await channel('ch-1')
        const ids = Array.from({ length: MAX_EVENTS_PER_MESSAGE + 1 }, (_, i) => `f-${i}`)
        await openings(...ids.slice(0, 200))
        now += WINDOW - 1
        await openings(...ids.slice(200))
        now += 1
        const { deliveries } = await store.deliveries.list({ limit: 10 }, now)
        expect(deliveries.map(({ event_count }) => event_count)).toEqual([1, MAX_EVENTS_PER_MESSAGE])
        const { events } = await claimOne()
        expect(events.map(({ finding }) => finding.id)).toEqual(ids.slice(0, -1))
      })
      it('is nothing of a finding that closes within the window', async () => {
        await channel('ch-1')
        await openings('f-1', 'f-2')
        now += WINDOW - 1
        await record(closing('f-1'))
        expect(await told()).toEqual([['finding.opened f-2']])
        await record(closing('f-2'))
        expect(await told()).toEqual([])
        expect(await store.deliveries.nextDue(now)).toBeNull()
      })
      it('is a closing, where the opening went and nowhere else', async () => {
        await channel('ch-1')
        await channel('ch-2', { kinds: ['spike'] })
        await openings('f-1')
        now += WINDOW
        await store.deliveries.settle(await claimOne(), taken, now)
        await channel('ch-3')
        await record(closing('f-1'))
        now += WINDOW
        const claimed = await claim()
        expect(claimed).toHaveLength(1)
        expect(claimed[0]).toMatchObject({
          channel: { id: 'ch-1' },
          events: [{ type: 'finding.closed', finding: { state: 'closed', close_reason: 'recovered' } }],
        })
      })
      it('is said to whoever listens', async () => {
        let heard = 0
        const stop = store.deliveries.onQueued(() => heard++)
        await channel('ch-1')
        await record()
        expect(heard).toBe(0)
        await openings('f-1')
        expect(heard).toBe(1)
        stop()
        await openings('f-2')
        expect(heard).toBe(1)
      })
      it('is nothing when the unit fails', async () => {
        await channel('ch-1')
        const changes: FindingChange[] = [{ type: 'opened', finding: aFinding({ id: 'f-1' }) }]
        await expect(recordIn(store, 'no-such-run', { changes })).rejects.toThrow()
        expect(await told()).toEqual([])
      })
    })

    describe('a claim', () => {
      it('is a lease: nobody else gets it until the lease ends, then the same message again', async () => {
        await channel('ch-1')
        await openings('f-1')
        now += WINDOW
        const first = await claimOne()
        expect(await claim()).toEqual([])
        now += 60_000
        expect(await claimOne()).toEqual({ ...first, tries: 2, claim: expect.any(String) })
      })
      it('takes one message a channel, leaves out busy channels and keeps its limit', async () => {
        for (const id of ['ch-1', 'ch-2', 'ch-3']) await channel(id)
        await openings('f-1')
        now += WINDOW
        await openings('f-2')
        now += WINDOW
        const ids = async (except: string[], limit: number) =>
          (await claim(except, limit)).map((delivery) => delivery.channel.id)
        expect(await ids(['ch-2'], 1)).toEqual(['ch-1'])
        expect(await ids(['ch-2'], 10)).toEqual(['ch-3', 'ch-1'])
        expect(await ids([], 10)).toEqual(['ch-2', 'ch-3'])
      })
      it('of a closing waits for its opening, however long that is retried', async () => {
        await channel('ch-1')
        await openings('f-1')
        now += WINDOW
        const opening = await claimOne()
        await record(closing('f-1'))
        await openings('f-2')
        now += WINDOW
        await store.deliveries.settle(opening, refused(now + HOUR), now)
        const other = await claimOne()
        expect(other.events).toMatchObject([{ type: 'finding.opened', finding: { id: 'f-2' } }])
        await store.deliveries.settle(other, taken, now)
        expect(await claim()).toEqual([])
        expect(await store.deliveries.nextDue(now)).toBe(now + HOUR)
        now += HOUR
        const again = await claimOne()
        expect(again.id).toBe(opening.id)
        expect(await claim()).toEqual([])
        await store.deliveries.settle(again, failed, now)
        expect((await claimOne()).events).toMatchObject([{ type: 'finding.closed' }])
      })
    })

    describe('a settled try', () => {
      it('that was taken is the end of it', async () => {
        await channel('ch-1')
        await openings('f-1')
        now += WINDOW
        const claimed = await claimOne()
        const { id } = claimed
        await store.deliveries.settle(claimed, taken, now)
        expect(await store.deliveries.get(id, now)).toMatchObject({
          state: 'sent',
          tries: 1,
          status: 204,
          response: 'thanks',
          error: null,
          next_try_at: null,
          last_try_at: now,
        })
        now += 10 * HOUR
        expect(await claim()).toEqual([])
      })
      it('that was refused is due again when it says, and its channel is failing until a success', async () => {
        await channel('ch-1')
        await openings('f-1')
        now += WINDOW
        const since = now
        await store.deliveries.settle(await claimOne(), refused(now + 5_000), now)
        expect(await store.deliveries.nextDue(now)).toBe(now + 5_000)
        now += 5_000
        await store.deliveries.settle(await claimOne(), refused(now + 300_000), now)
        expect(await store.channels.get('ch-1')).toMatchObject({
          failing_since: since,
          failing_error: 'The receiver answered 500.',
        })
        now += 300_000
        const third = await claimOne()
        expect(third.tries).toBe(3)
        await store.deliveries.settle(third, taken, now)
        expect(await store.channels.get('ch-1')).toMatchObject({ failing_since: null, failing_error: null })
      })
      it('that disables its channel fails what the channel has pending', async () => {
        await channel('ch-1')
        await openings('f-1')
        now += WINDOW
        await openings('f-2')
        const claimed = await claimOne()
        await store.deliveries.settle(claimed, { ...failed, disable: 'gone' }, now)
        expect(await store.channels.get('ch-1')).toMatchObject({ enabled: false, disabled_reason: 'gone' })
        const { deliveries } = await store.deliveries.list({ limit: 10 }, now)
        expect(deliveries.map(({ state }) => state)).toEqual(['failed', 'failed'])
        await openings('f-3')
        expect((await store.deliveries.list({ limit: 10 }, now)).deliveries).toHaveLength(2)
      })
      it('of a channel that is gone is ignored', async () => {
        await channel('ch-1')
        await openings('f-1')
        now += WINDOW
        const claimed = await claimOne()
        const { id } = claimed
        await store.channels.delete('ch-1')
        await store.deliveries.settle(claimed, taken, now)
        await expect(store.deliveries.get(id, now)).rejects.toBeInstanceOf(DeliveryNotFound)
      })
    })

    describe('a clock that is set back', () => {
      it('makes nothing wait longer than it would have', async () => {
        await channel('ch-1')
        await openings('f-1')
        now -= 2 * HOUR
        await store.deliveries.restartWaits(now)
        await store.deliveries.restartWaits(now)
        expect(await store.deliveries.nextDue(now)).toBe(now + WINDOW)
        now += WINDOW
        const claimed = await claimOne()
        const { id } = claimed
        await store.deliveries.settle(claimed, refused(now + 5_000), now)
        now -= 2 * HOUR
        await store.deliveries.restartWaits(now)
        expect(await store.deliveries.get(id, now)).toMatchObject({
          next_try_at: now + 5_000,
          last_try_at: now,
        })
      })
      it('leaves mutes and closings as they are', async () => {
        await channel('ch-1')
        await store.mutes.create(mute('mute_1', now + HOUR))
        await openings('f-1')
        now -= 2 * HOUR
        await store.deliveries.restartWaits(now)
        expect(await store.deliveries.nextDue(now)).toBe(now + 3 * HOUR)
      })
    })

    describe('a mute', () => {
      it('holds openings until its end', async () => {
        await channel('ch-1')
        await store.mutes.create(mute('mute_1', now + HOUR))
        await openings('f-1', 'f-2')
        now += WINDOW
        expect(await claim()).toEqual([])
        expect((await store.deliveries.list({ limit: 1 }, now)).deliveries).toMatchObject([
          { muted: true, event_count: 2 },
        ])
        await record(closing('f-1'))
        now += HOUR
        expect((await claimOne()).events).toMatchObject([{ type: 'finding.opened', finding: { id: 'f-2' } }])
        expect(await store.mutes.list(now)).toEqual([])
      })
      it('gives up what it holds when it is deleted', async () => {
        await channel('ch-1')
        await store.mutes.create(mute('mute_1', now + HOUR))
        await openings('f-1')
        await store.mutes.delete('mute_1', now)
        expect(await claim()).toHaveLength(1)
        await expect(store.mutes.delete('mute_1', now)).rejects.toBeInstanceOf(MuteNotFound)
      })
      it('is over when its run is removed, and holds nothing of another run of that id', async () => {
        const run = (await store.runs.list({ limit: 1 })).runs[0]?.id as string
        await store.mutes.create({ ...mute('mute_1', now + HOUR), run })
        await store.mutes.create({ ...mute('mute_2', now + HOUR), run: 'another' })
        await store.runs.delete(run)
        expect((await store.mutes.list(now)).map(({ id }) => id)).toEqual(['mute_2'])
      })

      it('lets the closing of a finding through that was announced', async () => {
        await channel('ch-1')
        await openings('f-1')
        now += WINDOW
        await store.deliveries.settle(await claimOne(), taken, now)
        await store.mutes.create(mute('mute_1', now + HOUR))
        await record(closing('f-1'))
        now += WINDOW
        expect((await claimOne()).events).toMatchObject([{ type: 'finding.closed' }])
      })
    })

    describe('a reminder', () => {
      it('comes once, for a finding that is still open, to channels that want it', async () => {
        await channel('ch-1', { remind_hours: 2 })
        await channel('ch-2')
        await openings('f-1', 'f-2')
        now += WINDOW
        for (const claimed of await claim()) await store.deliveries.settle(claimed, taken, now)
        await record(closing('f-2'))
        now += 2 * HOUR - WINDOW - 1
        await store.deliveries.remind(now)
        for (const claimed of await claim()) await store.deliveries.settle(claimed, taken, now)
        expect(await claim()).toEqual([])
        now += 1
        await store.deliveries.remind(now)
        await store.deliveries.remind(now)
        now += WINDOW
        const claimed = await claim()
        expect(claimed).toHaveLength(1)
        expect(claimed[0]).toMatchObject({
          channel: { id: 'ch-1' },
          events: [{ type: 'finding.reminder', finding: { id: 'f-1', state: 'open' } }],
        })
      })
    })

    describe('the log of deliveries', () => {
      it('is read by channel, run, finding and state, page by page', async () => {
        await channel('ch-1')
        await channel('ch-2', { min_severity: 'critical' })
        for (let i = 0; i < 5; i++) {
          await openings(`f-${i}`)
          now += WINDOW
        }
        await record({ type: 'opened', finding: aFinding({ id: 'f-9', severity: 'critical' }) })
        const list = async (query: object) =>
          (await store.deliveries.list({ limit: 50, ...query }, now)).deliveries
        expect(await list({})).toHaveLength(7)
        expect(await list({ channel: 'ch-2' })).toHaveLength(1)
        expect(await list({ finding: 'f-9' })).toHaveLength(2)
        expect(await list({ run: 'run-1', finding: 'f-3' })).toHaveLength(1)
        expect(await list({ run: 'run-2' })).toEqual([])
        expect(await list({ state: 'sent' })).toEqual([])
        const all = (await list({})).map(({ id }) => id)
        const first = await store.deliveries.list({ limit: 3 }, now)
        const second = await store.deliveries.list({ limit: 4, cursor: first.next_cursor ?? '' }, now)
        expect([...first.deliveries, ...second.deliveries].map(({ id }) => id)).toEqual(all)
        expect(second.next_cursor).toBeNull()
        await expect(store.deliveries.list({ limit: 1, cursor: 'x' }, now)).rejects.toBeInstanceOf(BadCursor)
      })
      it('can send one again under the same id, but not one on its way', async () => {
        await channel('ch-1')
        await openings('f-1')
        now += WINDOW
        const claimed = await claimOne()
        const { id } = claimed
        await store.deliveries.redeliver(id, now)
        expect(await claim()).toEqual([])
        await store.deliveries.settle(claimed, failed, now)
        expect(await store.deliveries.redeliver(id, now)).toMatchObject({ id, state: 'pending', tries: 0 })
        expect(await claimOne()).toMatchObject({ id, tries: 1 })
        await expect(store.deliveries.redeliver('msg_x', now)).rejects.toBeInstanceOf(DeliveryNotFound)
      })
      it('counts what is due, and forgets what is old and over, but for findings that are still open', async () => {
        await channel('ch-1')
        await openings('f-1')
        expect(await store.deliveries.queue(now)).toEqual({ due: 0, oldest_due_at: null })
        now += WINDOW + 1_000
        expect(await store.deliveries.queue(now)).toEqual({ due: 1, oldest_due_at: now - 1_000 })
        await store.deliveries.prune(now)
        expect(await told()).toHaveLength(1)
        await store.deliveries.settle(await claimOne(), taken, now)
        await store.deliveries.prune(now)
        expect(await told()).toHaveLength(1)
        await record(closing('f-1'))
        now += WINDOW
        await store.deliveries.settle(await claimOne(), taken, now)
        await store.deliveries.prune(now)
        expect(await told()).toEqual([])
      })
    })
  })
}
