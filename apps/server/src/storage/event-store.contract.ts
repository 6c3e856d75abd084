import { MAX_EVENTS_PER_RUN, type RunEvent } from '@normwatch/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TooManyEvents } from './event-store.ts'
import { RunNotFound, type Store } from './store.ts'

const event = (step: number, label: string, text: string | null = null): RunEvent => ({
  step,
  time: step + 0.5,
  label,
  text,
})

/** What every engine promises of a run's events. */
export function describeEvents(engine: string, open: () => Promise<Store>): void {
  describe(`${engine} store's events`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
      await store.runs.put('a', {}, 0)
    })
    afterEach(() => store.close())

    it('keeps one event a step and label, the newest, and lists them by step', async () => {
      await store.events.put('a', [event(340, 'restored'), event(10, 'saved'), event(340, 'eval')])
      await store.events.put('a', [event(340, 'restored', 'from disk')])
      expect(await store.events.list('a', {})).toEqual([
        event(10, 'saved'),
        event(340, 'eval'),
        event(340, 'restored', 'from disk'),
      ])
      expect(await store.events.list('a', { from: 11, to: 340 })).toHaveLength(2)
      expect(await store.events.list('a', { to: 10 })).toEqual([event(10, 'saved')])
    })

    it('refuses what is over the bound, as a whole, and still replaces', async () => {
      const all = Array.from({ length: MAX_EVENTS_PER_RUN }, (_, step) => event(step, 'saved'))
      await store.events.put('a', all)
      const more = [event(0, 'saved', 'again'), event(0, 'other')]
      await expect(store.events.put('a', more)).rejects.toBeInstanceOf(TooManyEvents)
      expect(await store.events.list('a', { to: 0 })).toEqual([event(0, 'saved')])
      await store.events.put('a', [event(0, 'saved', 'again')])
      expect(await store.events.list('a', { to: 0 })).toEqual([event(0, 'saved', 'again')])
    })

    it('removes them with their run, and refuses to list those of an unknown run', async () => {
      await store.events.put('a', [event(1, 'saved')])
      await store.runs.delete('a')
      await expect(store.events.list('a', {})).rejects.toBeInstanceOf(RunNotFound)
      await expect(store.events.put('a', [event(1, 'saved')])).rejects.toBeInstanceOf(RunNotFound)
      await store.runs.put('a', {}, 0)
      expect(await store.events.list('a', {})).toEqual([])
    })
  })
}
