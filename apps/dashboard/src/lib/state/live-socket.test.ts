import type { Finding, LiveFrame } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { LiveSocket, type LiveState, type Socket, type Watch } from '#lib/state/live-socket.ts'

/** A network of one server: sockets it was asked for, timers that wait to be fired. */
function startNetwork() {
  const sockets: (Socket & { sent: unknown[]; isClosed: boolean })[] = []
  const timers: { action: () => void; milliseconds: number }[] = []
  const states: LiveState[] = []
  const live = new LiveSocket({
    open: () => {
      const socket = {
        sent: [] as unknown[],
        isClosed: false,
        send: (data: string) => void socket.sent.push(JSON.parse(data)),
        close: () => void (socket.isClosed = true),
        onopen: null as (() => void) | null,
        onmessage: null as ((event: { data: unknown }) => void) | null,
        onclose: null as (() => void) | null,
      }
      sockets.push(socket)
      return socket
    },
    random: () => 1,
    setTimer: (action, milliseconds) => timers.push({ action, milliseconds }),
    clearTimer: () => undefined,
    onState: (state) => void states.push(state),
  })
  const heard: (LiveFrame | 'missed')[] = []
  const watch = (target: Watch) =>
    live.watch(target, { frame: (frame) => void heard.push(frame), missed: () => void heard.push('missed') })
  const last = () => sockets.at(-1) as (typeof sockets)[number]
  const say = (frame: unknown) => last().onmessage?.({ data: JSON.stringify(frame) })
  return { live, sockets, timers, states, heard, watch, last, say }
}
const run = { run: 'a', metrics: ['loss'] }
const points = (seq: number, id = 'a') => ({
  type: 'points',
  run: id,
  seq,
  columns: { step: [seq], time: [0] },
})

describe('the live socket', () => {
  it('opens with the first watch and closes with the last', () => {
    const { watch, last, sockets, states } = startNetwork()
    const stop = watch(run)
    last().onopen?.()
    const stopList = watch({ runs: {} })
    expect(last().sent).toEqual([
      { type: 'watch', ...run },
      { type: 'watch', runs: {} },
    ])
    stop()
    expect(last().sent.at(-1)).toEqual({ type: 'unwatch', run: 'a' })
    expect(last().isClosed).toBe(false)
    stopList()
    expect(last().isClosed).toBe(true)
    expect(sockets).toHaveLength(1)
    expect(states).toEqual(['connecting', 'open', 'off'])
  })
  it('gives each watch its own frames only', () => {
    const { watch, last, say, heard } = startNetwork()
    watch(run)
    last().onopen?.()
    say(points(1, 'b'))
    say(points(2))
    say({ type: 'error', code: 'x', message: 'y' })
    expect(heard).toEqual([points(2)])
  })
  it('goes on after the last points seen when the connection comes back', () => {
    const { watch, last, say, timers, heard } = startNetwork()
    watch(run)
    last().onopen?.()
    say(points(7))
    const finding = { type: 'finding', seq: 9, finding: { run: 'a' } as Finding } as const
    say(finding)
    last().onclose?.()
    timers.at(-1)?.action()
    last().onopen?.()
    expect(last().sent).toEqual([{ type: 'watch', ...run, after: 7 }])
    expect(heard).toEqual([points(7), finding])
  })
  it('asks for a fetch when it comes back without having seen a frame, and after a gap', () => {
    const { watch, last, say, timers, heard } = startNetwork()
    watch(run)
    last().onopen?.()
    last().onclose?.()
    timers.at(-1)?.action()
    last().onopen?.()
    expect(heard).toEqual(['missed'])
    say({ type: 'gap', run: 'a', reason: 'slow' })
    expect(heard.at(-1)).toBe('missed')
    say({ type: 'gap', run: 'a', reason: 'deleted' })
    expect(heard.at(-1)).toMatchObject({ reason: 'deleted' })
  })
  it('asks for a fetch of a list that was watched before there was a connection', () => {
    const { watch, last, heard } = startNetwork()
    watch({ runs: {} })
    last().onopen?.()
    watch({ runs: { project: 'p' } })
    expect(heard).toEqual(['missed'])
  })
  it('waits longer after each failure, up to a bound, and tries at once when told', () => {
    const { live, watch, last, timers, sockets } = startNetwork()
    watch(run)
    for (let i = 0; i < 8; i++) {
      last().onclose?.()
      timers.at(-1)?.action()
    }
    expect(timers.map(({ milliseconds }) => milliseconds)).toEqual([
      500, 1000, 2000, 4000, 8000, 15000, 15000, 15000,
    ])
    last().onclose?.()
    const before = sockets.length
    live.retryNow()
    expect(sockets).toHaveLength(before + 1)
  })
})
