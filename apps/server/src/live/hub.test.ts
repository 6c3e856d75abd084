import type { LiveFrame, PointColumns } from '@normwatch/protocol'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StoredFinding, StoredRun } from '../storage/store.ts'
import { toFinding } from '../storage/to-wire.ts'
import { Hub } from './hub.ts'
import type { Peer } from './reader.ts'

const SLOW = 2 * 1024 * 1024

/** A socket's end that notes what it gets, and when. */
class TestPeer implements Peer {
  bufferedAmount = 0
  readonly frames: LiveFrame[] = []
  readonly times: number[] = []

  send(data: string): void {
    this.frames.push(JSON.parse(data) as LiveFrame)
    this.times.push(Date.now())
  }

  get steps(): number[] {
    return this.frames.flatMap((frame) => (frame.type === 'points' ? frame.columns.step : []))
  }
}

const times = { created_at: 0, updated_at: 0, ended_at: null, last_arrival: 0 }

function run(id: string, more: Partial<StoredRun> = {}): StoredRun {
  return { id, project: 'p', health: 'ok', ...times, ...more } as StoredRun
}

function points(first: number, count = 1): PointColumns {
  const step = Float64Array.from({ length: count }, (_, i) => first + i)
  return { step, time: step, metrics: new Map([['loss', { values: step, present: null }]]) }
}

function watching(hub: Hub, id: string, after?: number) {
  const peer = new TestPeer()
  const reader = hub.join(peer)
  hub.watchRun(reader, run(id), after === undefined ? {} : { after })
  return { peer, reader }
}

const manyEvents = Array.from({ length: 30 }, (_, step) => ({ step, time: 0, label: 'x', text: null }))

/** The most frames that fell into any second. */
function busiestSecond({ times }: TestPeer): number {
  return Math.max(
    ...times.map((start) => times.filter((time) => time >= start && time < start + 1000).length),
  )
}

beforeEach(() => vi.useFakeTimers({ now: 1_764_000_000_000 }))
afterEach(() => vi.useRealTimers())

describe('the hub', () => {
  it('passes a point on within a millisecond when nothing came just before', () => {
    const hub = new Hub(Date.now)
    const { peer } = watching(hub, 'r')
    hub.points('r', points(0), 0)
    vi.advanceTimersByTime(1)
    expect(peer.steps).toEqual([0])
  })

  it('merges what comes quickly, keeps to 20 frames a second, and loses nothing', () => {
    const hub = new Hub(Date.now)
    const { peer } = watching(hub, 'r')
    for (let step = 0; step < 3000; step++) {
      hub.points('r', points(step), 0)
      hub.run(run('r', { points: step }), false)
      vi.advanceTimersByTime(1)
    }
    vi.advanceTimersByTime(1000)
    expect(peer.steps).toEqual(Array.from({ length: 3000 }, (_, i) => i))
    expect(busiestSecond(peer)).toBeLessThanOrEqual(20)
    expect(peer.frames.filter(({ type }) => type === 'gap')).toEqual([])
  })

  it('keeps a reader of many runs to 20 frames a second, and tells it of all of them', () => {
    const hub = new Hub(Date.now)
    const peer = new TestPeer()
    const reader = hub.join(peer)
    const ids = Array.from({ length: 50 }, (_, i) => `r${i}`)
    for (const id of ids) hub.watchRun(reader, run(id), {})
    vi.advanceTimersByTime(1000)
    peer.times.length = 0
    for (let step = 0; step < 100; step++) {
      for (const id of ids) hub.points(id, points(step), 0)
      vi.advanceTimersByTime(20)
    }
    vi.advanceTimersByTime(10_000)
    expect(busiestSecond(peer)).toBeLessThanOrEqual(20)
    for (const id of ids) {
      const steps = peer.frames.flatMap((frame) =>
        frame.type === 'points' && frame.run === id ? frame.columns.step : [],
      )
      expect(steps).toEqual(Array.from({ length: 100 }, (_, i) => i))
    }
  })

  it('passes points of many runs on at once, though each of them changes its run', () => {
    const hub = new Hub(Date.now)
    const peer = new TestPeer()
    const reader = hub.join(peer)
    const ids = Array.from({ length: 50 }, (_, i) => `r${i}`)
    for (const id of ids) hub.watchRun(reader, run(id), {})
    vi.advanceTimersByTime(2000)
    for (let step = 0; step < 100; step++) {
      const id = ids[step % ids.length] as string
      hub.points(id, points(step), 0)
      hub.run(run(id, { points: step }), false)
      vi.advanceTimersByTime(1)
      expect(peer.steps.at(-1)).toBe(step)
      vi.advanceTimersByTime(70)
    }
  })

  it('tells of several busy runs at even distances, of none of them late', () => {
    const hub = new Hub(Date.now)
    const peer = new TestPeer()
    const reader = hub.join(peer)
    const ids = ['a', 'b', 'c', 'd']
    for (const id of ids) hub.watchRun(reader, run(id), {})
    const sentAt: number[] = []
    const begun = Date.now()
    // each run sends again after 5 to 35 ms
    const nextAt = new Map(ids.map((id) => [id, begun]))
    while (Date.now() < begun + 20_000) {
      for (const [id, at] of nextAt) {
        if (Date.now() < at) continue
        const step = sentAt.push(Date.now()) - 1
        hub.points(id, points(step), 0)
        hub.run(run(id, { points: step }), false)
        nextAt.set(id, at + 5 + ((step * 7919) % 31))
      }
      vi.advanceTimersByTime(1)
    }
    vi.advanceTimersByTime(1000)
    const delays = peer.frames.flatMap((frame, i) =>
      frame.type === 'points'
        ? frame.columns.step.map((step) => (peer.times[i] as number) - (sentAt[step] as number))
        : [],
    )
    expect(delays).toHaveLength(sentAt.length)
    delays.sort((a, b) => a - b)
    expect(delays[Math.floor(delays.length * 0.99)]).toBeLessThan(300)
    // in the first seconds it gets what there is to tell of the runs, too
    expect(delays.at(-1)).toBeLessThan(500)
    expect(busiestSecond(peer)).toBeLessThanOrEqual(20)
  })

  it('goes on telling how a run is while its points come quickly', () => {
    const hub = new Hub(Date.now)
    const { peer } = watching(hub, 'r')
    for (let step = 0; step < 10_000; step++) {
      hub.points('r', points(step), 0)
      hub.run(run('r', { points: step }), false)
      vi.advanceTimersByTime(1)
    }
    const told = peer.frames.filter(({ type }) => type === 'run')
    expect(told.length).toBeGreaterThanOrEqual(15)
    expect(busiestSecond(peer)).toBeLessThanOrEqual(20)
  })

  it('gives a slow reader nothing until it has drained, then one gap', () => {
    const hub = new Hub(Date.now)
    const { peer } = watching(hub, 'r')
    const before = peer.frames.length
    peer.bufferedAmount = SLOW
    for (let step = 0; step < 500; step++) {
      hub.points('r', points(step, 100), 0)
      vi.advanceTimersByTime(10)
    }
    expect(peer.frames.length).toBe(before)
    peer.bufferedAmount = 0
    vi.advanceTimersByTime(1000)
    expect(peer.frames.slice(before)).toEqual([{ type: 'gap', run: 'r', reason: 'slow' }])
    hub.points('r', points(60_000), 0)
    vi.advanceTimersByTime(1000)
    expect(peer.steps).toEqual([60_000])
  })

  it('tells a reader to fetch again whose last frame came from before the clock was set back', () => {
    const hub = new Hub(Date.now)
    hub.points('r', points(0), 0)
    const { peer } = watching(hub, 'r', (Date.now() + 3_600_000) * 1000)
    expect(peer.frames).toMatchObject([{ type: 'gap', reason: 'after_too_old' }, { type: 'run' }])
  })

  it.each<[string, (hub: Hub) => void, LiveFrame['type'][]]>([
    ['points came', (hub) => hub.points('r', points(1), 0), ['run', 'points']],
    ['it was cut off', (hub) => hub.gap('r', 'truncated'), ['gap', 'run']],
    ['it was judged again', (hub) => hub.gap('r', 'judged_again'), ['gap', 'run']],
    ['it was deleted and made again', (hub) => hub.deleted(run('r')), ['gap', 'run']],
    ['very many events came', (hub) => hub.events('r', manyEvents), ['gap', 'run']],
  ])('tells a reader that comes back what it missed, or to fetch again: %s', (_, happens, expected) => {
    const hub = new Hub(Date.now)
    const first = watching(hub, 'r')
    hub.points('r', points(0), 0)
    vi.advanceTimersByTime(100)
    const after = first.peer.frames.findLast((frame) => frame.type === 'points')?.seq
    hub.leave(first.reader)
    happens(hub)
    const { peer } = watching(hub, 'r', after)
    vi.advanceTimersByTime(100)
    expect(peer.frames.map(({ type }) => type)).toEqual(expected)
    expect(peer.frames.filter(({ type }) => type === 'gap')).toMatchObject(
      expected.includes('gap') ? [{ reason: 'after_too_old' }] : [],
    )
  })

  it('writes a frame once for all readers that watch the same metrics', () => {
    const hub = new Hub(Date.now)
    const peers = Array.from({ length: 1000 }, () => watching(hub, 'r').peer)
    const stringify = vi.spyOn(JSON, 'stringify')
    hub.points('r', points(0, 100), 0)
    vi.advanceTimersByTime(1)
    // the frame's head, the metric's name and its readings
    expect(stringify.mock.calls.length).toBeLessThanOrEqual(3)
    stringify.mockRestore()
    for (const peer of peers) expect(peer.steps).toHaveLength(100)
  })

  it('tells a reader of the list the newest version of each run, urgent ones at once', () => {
    const hub = new Hub(Date.now)
    const peer = new TestPeer()
    hub.watchRuns(hub.join(peer), undefined)
    for (let i = 0; i < 1000; i++) {
      hub.run(run(`r${i % 15}`, { points: i }), false)
      vi.advanceTimersByTime(1)
    }
    hub.run(run('hot', { health: 'flagged' }), true)
    vi.advanceTimersByTime(1)
    expect(peer.frames.at(-1)).toMatchObject({ run: { id: 'hot' } })
    vi.advanceTimersByTime(5000)
    expect(busiestSecond(peer)).toBeLessThanOrEqual(20)
    const newest = new Map(
      peer.frames.map((frame) => (frame.type === 'run' ? [frame.run.id, frame.run.points] : [])) as [
        string,
        number,
      ][],
    )
    for (let i = 985; i < 1000; i++) expect(newest.get(`r${i % 15}`)).toBe(i)
  })

  it('tells a reader of the list of findings, the newest version of each, in its projects only', () => {
    const hub = new Hub(Date.now)
    const [all, other] = [new TestPeer(), new TestPeer()]
    hub.watchRuns(hub.join(all), undefined)
    hub.watchRuns(hub.join(other), 'q')
    const finding = (id: string, state: StoredFinding['state']) =>
      ({ id, run: 'r', state, opened_at: 0, closed_at: null }) as StoredFinding
    hub.finding(finding('a', 'open'), 'p')
    vi.advanceTimersByTime(1)
    expect(all.frames).toMatchObject([{ type: 'finding', finding: { id: 'a', state: 'open' } }])
    for (let i = 0; i < 100; i++) {
      hub.finding(finding(`f${i}`, 'open'), 'p')
      hub.finding(finding(`f${i}`, 'closed'), 'p')
    }
    vi.advanceTimersByTime(1)
    const told = all.frames.flatMap((frame) => (frame.type === 'finding' ? [frame.finding] : []))
    expect(told.slice(1)).toEqual(
      Array.from({ length: 100 }, (_, i) => toFinding(finding(`f${i}`, 'closed'))),
    )
    expect(other.frames).toEqual([])
  })

  it('never holds a finding back, however many frames the reader got in this second', () => {
    const hub = new Hub(Date.now)
    const peer = new TestPeer()
    const reader = hub.join(peer)
    hub.watchRuns(reader, undefined)
    hub.watchRun(reader, run('r'), {})
    for (let step = 0; step < 1_000; step++) {
      hub.points('r', points(step), 0)
      hub.run(run('r', { points: step }), true)
      vi.advanceTimersByTime(1)
    }
    hub.points('r', points(1_000), 0)
    const found = { id: 'f', run: 'r', state: 'open', opened_at: 0, closed_at: null } as StoredFinding
    hub.finding(found, 'p')
    vi.advanceTimersByTime(1)
    // Once for the run and once for the list, and the run's after all points that came before it.
    const told = peer.frames.flatMap((frame, i) => (frame.type === 'finding' ? [i] : []))
    expect(told).toHaveLength(2)
    const before = peer.frames.slice(0, told.at(-1))
    expect(before.flatMap((frame) => (frame.type === 'points' ? frame.columns.step : [])).at(-1)).toBe(1_000)
  })

  it('tells everything or a gap, whatever happens to the reader (property)', () => {
    const action = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          type: fc.constant('points' as const),
          count: fc.integer({ min: 1, max: 400 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ type: fc.constant('time' as const), count: fc.integer({ min: 1, max: 300 }) }),
      },
      { weight: 1, arbitrary: fc.constant({ type: 'break' as const, count: 0 }) },
      { weight: 1, arbitrary: fc.constant({ type: 'slow' as const, count: 0 }) },
      { weight: 1, arbitrary: fc.constant({ type: 'drain' as const, count: 0 }) },
      { weight: 1, arbitrary: fc.constant({ type: 'other run' as const, count: 0 }) },
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        vi.setSystemTime(1_764_000_000_000)
        const hub = new Hub(Date.now)
        const known = new Set<number>()
        let last: number | undefined
        let step = 0
        let { peer, reader } = watching(hub, 'r')
        const read = () => {
          for (const frame of peer.frames.splice(0)) {
            if ('seq' in frame) last = frame.seq
            if (frame.type === 'points') for (const s of frame.columns.step) known.add(s)
            // A reader that gets a gap fetches the record.
            if (frame.type === 'gap') for (let s = 0; s < step; s++) known.add(s)
          }
        }
        for (const { type, count } of actions) {
          if (type === 'points') hub.points('r', points(step, count), (step += count))
          else if (type === 'time') vi.advanceTimersByTime(count)
          else if (type === 'slow') peer.bufferedAmount = SLOW
          else if (type === 'drain') peer.bufferedAmount = 0
          else if (type === 'other run') for (let i = 0; i < 200; i++) hub.points(`o${i}`, points(0), 0)
          else {
            read()
            hub.leave(reader)
            ;({ peer, reader } = watching(hub, 'r', last))
          }
          if (peer.bufferedAmount === 0) read()
        }
        peer.bufferedAmount = 0
        vi.advanceTimersByTime(5000)
        read()
        hub.close()
        expect([...known].sort((a, b) => a - b)).toEqual(Array.from({ length: step }, (_, i) => i))
      }),
      { numRuns: 300 },
    )
  })
})
