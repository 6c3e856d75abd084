import { MAX_CHANNELS } from '@normwatch/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aChannel, aFinding } from '../alerts/fixtures/event.ts'
import type { OpenWithClock } from './alert-store.contract.ts'
import { ChannelNotFound, TooManyAlertRules, type StoredChannel } from './alert-store.ts'
import { record } from './store.fixture.ts'
import type { Store } from './store.ts'

export function describeChannelStore(engine: string, open: OpenWithClock): void {
  describe(`${engine}: channels`, () => {
    let store: Store
    let now: number
    beforeEach(async () => {
      now = 1_000
      store = await open(() => now)
      await store.runs.put('run-1', {}, now)
    })
    afterEach(() => store.close())
    const channel = (id: string, fields: Partial<StoredChannel> = {}) =>
      store.channels.create(aChannel({ id, created_at: now, ...fields }))

    it('come back as they were stored, the oldest first', async () => {
      const first = await channel('b', {
        kinds: ['spike'],
        remind_hours: 1.5,
        secret: 'whsec_x',
        old_secret_until: 5,
      })
      now += 1
      const second = await channel('a', { enabled: false, disabled_reason: 'Disabled by hand.' })
      expect(await store.channels.list()).toEqual([first, second])
      expect(await store.channels.get('b')).toEqual(first)
    })
    it('change the fields given; enabling ends failing, disabling fails what is pending', async () => {
      await channel('ch-1')
      await record(store, 'run-1', { changes: [{ type: 'opened', finding: aFinding() }] })
      const changed = await store.channels.update('ch-1', { name: 'new', enabled: false }, now)
      expect(changed).toMatchObject({ name: 'new', enabled: false, url: aChannel().url, updated_at: now })
      expect((await store.deliveries.list({ limit: 1 }, now)).deliveries[0]?.state).toBe('failed')
      expect(await store.channels.update('ch-1', { enabled: true }, now)).toMatchObject({
        enabled: true,
        failing_since: null,
      })
    })
    it('are named in errors when they are not there, and are bounded', async () => {
      await expect(store.channels.get('x')).rejects.toBeInstanceOf(ChannelNotFound)
      await expect(store.channels.update('x', {}, now)).rejects.toBeInstanceOf(ChannelNotFound)
      await expect(store.channels.delete('x')).rejects.toBeInstanceOf(ChannelNotFound)
      for (let i = 0; i < MAX_CHANNELS; i++) await channel(`ch-${i}`)
      await expect(channel('one-more')).rejects.toBeInstanceOf(TooManyAlertRules)
    })
  })
}
