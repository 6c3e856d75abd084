import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunNotFound, type Store } from './store.ts'

/** What every engine promises of detection settings. */
export function describeSettings(engine: string, open: () => Promise<Store>): void {
  describe(`${engine} store's settings`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    it('keeps the overrides of a project and of a run apart, and puts new ones in their place', async () => {
      await store.runs.put('a', { project: 'a' }, 0)
      expect(await store.settings.get({ project: 'a' })).toEqual({})
      expect(await store.settings.get({ run: 'a' })).toEqual({})
      await store.settings.put({ project: 'a' }, { spike: { enabled: false } })
      await store.settings.put({ run: 'a' }, { window: { min: 30 } })
      await store.settings.put({ run: 'a' }, { window: { max: 100 } })
      expect(await store.settings.get({ project: 'a' })).toEqual({ spike: { enabled: false } })
      expect(await store.settings.get({ run: 'a' })).toEqual({ window: { max: 100 } })
    })

    it('forgets the overrides of a run that is deleted', async () => {
      await store.runs.put('a', {}, 0)
      await store.settings.put({ run: 'a' }, { spike: { enabled: false } })
      await store.runs.delete('a')
      await expect(store.settings.get({ run: 'a' })).rejects.toBeInstanceOf(RunNotFound)
      await store.runs.put('a', {}, 0)
      expect(await store.settings.get({ run: 'a' })).toEqual({})
    })

    it('refuses overrides for an unknown run', async () => {
      await expect(store.settings.put({ run: 'a' }, {})).rejects.toBeInstanceOf(RunNotFound)
    })
  })
}
