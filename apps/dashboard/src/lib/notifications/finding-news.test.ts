import type { Finding, Mute } from '@normwatch/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FindingNews } from '#lib/notifications/finding-news.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** News of findings, with the mutes there are and whether runs may be read. */
function follow(mutes: readonly Partial<Mute>[] = [], isReadable = true) {
  const shown: { title: string; body: string; run: string | undefined }[] = []
  const refuse = () => Promise.reject(new Error('forbidden'))
  const none = { run: null, project: null, kind: null }
  const news = new FindingNews({
    run: isReadable ? async (id) => ({ name: `run ${id}`, project: 'p' }) : refuse,
    mutes: isReadable ? async () => mutes.map((mute) => ({ ...none, ...mute }) as Mute) : refuse,
    show: ({ title, body }, run) => void shown.push({ title, body, run }),
  })
  const tell = (id: string, more: Partial<Finding> = {}) => {
    const finding = {
      id,
      run: 'a',
      kind: 'clip_saturated',
      severity: 'warning',
      state: 'open',
      opened_step: 7,
      closed_step: null,
      close_reason: null,
      ...more,
    } as Finding
    news.frame({ type: 'finding', seq: 1, finding })
  }
  const settle = () => vi.advanceTimersByTimeAsync(1_000)
  return { news, shown, tell, settle }
}
const over = { state: 'closed', closed_step: 9, close_reason: 'recovered' } as const

describe('the news of findings', () => {
  it('tell each edge once, however often it comes', async () => {
    const { shown, tell, settle } = follow()
    for (let i = 0; i < 3; i++) tell('f')
    await settle()
    tell('f')
    for (let i = 0; i < 2; i++) tell('f', over)
    await settle()
    expect(shown).toEqual([
      { title: '▲ Clipping is saturated', body: 'run a · since step 7', run: 'a' },
      {
        title: '✓ Over: Clipping is saturated',
        body: 'run a · steps 7 to 9 (2 steps) · recovered',
        run: 'a',
      },
    ])
  })
  it('are silent about information', async () => {
    const { shown, tell, settle } = follow()
    tell('f', { severity: 'info' })
    await settle()
    expect(shown).toEqual([])
  })
  it('make one notification of a storm', async () => {
    const { shown, tell, settle } = follow()
    for (let i = 0; i < 200; i++) tell(`f${i}`, { run: `r${i}`, ...(i < 5 && over) })
    await settle()
    expect(shown).toEqual([
      { title: '195 findings opened, 5 findings closed', body: 'in 200 runs', run: undefined },
    ])
  })
  it.each([[{ run: 'a' }], [{ kind: 'clip_saturated' as const }], [{ project: 'p', run: 'a' }]])(
    'leave out what the mute %o names',
    async (mute) => {
      const { shown, tell, settle } = follow([mute, { run: 'other' }])
      tell('muted')
      await settle()
      expect(shown).toEqual([])
    },
  )
  it('tell of what no mute names in full', async () => {
    const { shown, tell, settle } = follow([{ run: 'a', kind: 'spike' }, { project: 'q' }])
    tell('f')
    await settle()
    expect(shown).toHaveLength(1)
  })
  it('come also to those who may not read the run nor the mutes', async () => {
    const { shown, tell, settle } = follow([], false)
    tell('f')
    await settle()
    expect(shown).toMatchObject([{ body: 'a · since step 7' }])
  })
  it('end with their reader', async () => {
    const { news, shown, tell, settle } = follow()
    tell('f')
    news.stop()
    await settle()
    expect(shown).toEqual([])
  })
})
