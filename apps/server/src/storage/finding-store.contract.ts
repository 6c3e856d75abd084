import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aFinding } from '../alerts/fixtures/event.ts'
import { record } from './store.fixture.ts'
import type { Explanation, Store, StoredFinding } from './store.ts'

const moved = { metric: 'kl', before: 1, after: 5, ratio: 5, at_step: 33, lead: -1, effect: 12 }
const event = { step: 30, time: 30.5, label: 'stage 2', text: null }
const explanation: Explanation = { moved: [moved], events: [event], layers: [], sibling: null }

/** What every engine promises of the explanations of findings. */
export function describeFindings(engine: string, open: () => Promise<Store>): void {
  describe(`${engine} store's findings`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
      await store.runs.put('a', {}, 0)
      const findings = ['f-1', 'f-2', 'f-3'].map((id) =>
        aFinding({ id, run: 'a', part: id, explained: false }),
      )
      await record(store, 'a', { changes: findings.map((finding) => ({ type: 'opened', finding })) })
    })
    afterEach(() => store.close())

    const unexplained = async (perRun = 9) => (await store.findings.unexplained(perRun)).map(({ id }) => id)

    it('are unexplained until each is given its explanation, which is shown with it from then on', async () => {
      expect(await unexplained()).toEqual(['f-1', 'f-2', 'f-3'])
      expect(await store.findings.get('f-2')).toMatchObject({ explained: false, moved: [], events: [] })
      const explained = { id: 'f-2', explained: true, ...explanation }
      expect(await store.findings.explain('f-2', explanation)).toMatchObject(explained)
      expect(await store.findings.get('f-2')).toMatchObject(explained)
      expect((await store.findings.list({ run: 'a', limit: 9 })).findings).toContainEqual(
        expect.objectContaining(explained),
      )
      expect(await unexplained()).toEqual(['f-1', 'f-3'])
    })

    it('of a run that opens many are returned the newest first, beside those of other runs, and the older ones later', async () => {
      await store.runs.put('b', {}, 0)
      await record(store, 'b', {
        changes: [{ type: 'opened', finding: aFinding({ id: 'f-4', run: 'b', explained: false }) }],
      })
      expect(await unexplained(2)).toEqual(['f-2', 'f-3', 'f-4'])
      expect(await store.findings.get('f-1')).toMatchObject({ explained: false, moved: [], events: [] })
      for (const id of ['f-2', 'f-3', 'f-4']) await store.findings.explain(id, explanation)
      expect(await unexplained(2)).toEqual(['f-1'])
    })

    it('keep their explanation when they close', async () => {
      await store.findings.explain('f-1', explanation)
      const closed = { closed_step: 9, closed_at: 5, close_reason: 'recovered' } as const
      await record(store, 'a', { changes: [{ type: 'closed', id: 'f-1', ...closed }] })
      expect(await store.findings.get('f-1')).toMatchObject({ state: 'closed', ...explanation })
    })

    it('of a kind and part are open one at a time, also where judging again makes one of the past and another of now', async () => {
      const again = aFinding({ id: 'f-5', run: 'a', part: 'f-1' })
      const open = { type: 'opened', finding: again } as const
      await expect(record(store, 'a', { changes: [open] })).rejects.toThrow()
      const closed = { closed_step: 9, closed_at: 5, close_reason: 'recovered' } as const
      const past = { ...again, id: 'f-6', opened_step: 1 }
      await record(store, 'a', {
        changes: [
          { type: 'opened', finding: past },
          { type: 'closed', id: 'f-6', ...closed },
          open,
          { type: 'closed', id: 'f-1', ...closed, close_reason: 'settings_changed' },
        ],
      })
      const { findings } = await store.findings.list({ run: 'a', state: 'open', limit: 9 })
      expect(findings.map(({ id }) => id).sort()).toEqual(['f-2', 'f-3', 'f-5'])
      expect(await store.findings.get('f-6')).toMatchObject({ state: 'closed', ...closed })
    })

    it('are counted by kind and part, open or closed', async () => {
      await store.runs.put('b', {}, 0)
      const changes = ['f-7', 'f-8'].flatMap((id) => [
        { type: 'opened', finding: aFinding({ id, run: 'b', part: null }) } as const,
        { type: 'closed', id, closed_step: 9, closed_at: 5, close_reason: 'recovered' } as const,
      ])
      await record(store, 'b', { changes })
      const { kind } = aFinding({})
      expect(await store.findings.count({ run: 'b', kind, part: null })).toBe(2)
      expect(await store.findings.count({ run: 'a', kind, part: 'f-1' })).toBe(1)
      expect(await store.findings.count({ run: 'a', kind, part: null })).toBe(0)
      expect(await store.findings.count({ run: 'a', kind: 'plateau', part: 'f-1' })).toBe(0)
      await store.runs.delete('b')
      expect(await store.findings.count({ run: 'b', kind, part: null })).toBe(0)
    })

    it('are found by any filter among thousands, in pages', async () => {
      const count = 1_300
      const kinds = ['spike', 'plateau', 'vanishing'] as const
      const all = Array.from({ length: count }, (_, i) =>
        aFinding({
          id: `many-${i}`,
          run: i % 100 === 0 ? 'b' : 'a',
          part: `part-${i}`,
          kind: kinds[i % 7] ?? 'clip_saturated',
          // several at the same instant, and not in the order in which they were entered
          opened_at: 5_000 - Math.floor(i / 4),
        }),
      )
      await store.runs.put('b', { project: 'other' }, 0)
      for (const run of ['a', 'b']) {
        const changes = all
          .filter((finding) => finding.run === run)
          .flatMap((finding, i) => [
            { type: 'opened', finding } as const,
            ...(i % 50 === 7
              ? []
              : [
                  {
                    type: 'closed',
                    id: finding.id,
                    closed_step: 9,
                    closed_at: 9_000,
                    close_reason: 'recovered',
                  } as const,
                ]),
          ])
        for (let from = 0; from < changes.length; from += 200)
          await record(store, run, { changes: changes.slice(from, from + 200) })
      }
      const listed = async (query: object, limit: number) => {
        const found: StoredFinding[] = []
        let cursor: string | null = null
        do {
          const page = await store.findings.list({ ...query, limit, cursor: cursor ?? undefined })
          found.push(...page.findings)
          cursor = page.next_cursor
        } while (cursor !== null)
        return found
      }
      const everything = await listed({}, 10_000)
      expect(everything).toHaveLength(count + 3)
      const since = all[1_290] as StoredFinding
      const known = new Set(everything.map(({ id }) => id))
      expect(known.size).toBe(count + 3)
      const filters: [object, (finding: StoredFinding) => boolean][] = [
        [{ kind: 'plateau' }, ({ kind }) => kind === 'plateau'],
        [{ kind: 'grad_zero' }, () => false],
        [{ run: 'b', kind: 'spike' }, ({ run, kind }) => run === 'b' && kind === 'spike'],
        [{ project: 'other' }, ({ run }) => run === 'b'],
        [{ projects: ['oth*'] }, ({ run }) => run === 'b'],
        [{ state: 'open' }, ({ state }) => state === 'open'],
        [{ state: 'closed', run: 'b' }, ({ state, run }) => state === 'closed' && run === 'b'],
        [{ state: 'open', kind: 'spike' }, ({ state, kind }) => state === 'open' && kind === 'spike'],
      ]
      for (const [query, isAsked] of filters) {
        expect(await listed(query, 40)).toEqual(everything.filter(isAsked))
      }
      const after = await listed({ since: since.id, run: since.run }, 3)
      expect(after.map(({ id }) => id).sort()).toEqual(
        all.flatMap(({ id, run }, i) => (i > 1_290 && run === since.run ? id : [])).sort(),
      )
      const spikes = all.filter(({ run, kind }) => run === 'a' && kind === 'spike')
      for (const { part } of spikes.slice(0, 2))
        expect(await store.findings.count({ run: 'a', kind: 'spike', part })).toBe(1)
    })

    it('go with their run, explained or not', async () => {
      await store.runs.delete('a')
      expect(await unexplained()).toEqual([])
      expect(await store.findings.get('f-1')).toBeUndefined()
      expect(await store.findings.explain('f-1', explanation)).toBeUndefined()
    })
  })
}
