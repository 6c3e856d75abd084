import { once } from 'node:events'
import type { LiveFrame } from '@normwatch/protocol'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

export interface LiveClient {
  readonly socket: WebSocket
  /** All frames so far, in the order they came. */
  readonly frames: LiveFrame[]
  send(message: object | string): void
  /** Resolves with the first frame, among those that came and will come, that passes. */
  until<F extends LiveFrame>(passes: (frame: LiveFrame) => frame is F): Promise<F>
  until(passes: (frame: LiveFrame) => boolean): Promise<LiveFrame>
}

export const isType =
  <T extends LiveFrame['type']>(type: T) =>
  (frame: LiveFrame): frame is Extract<LiveFrame, { type: T }> =>
    frame.type === type

/** Opens a live socket of the service at `url`; closed when the test ends. */
export async function liveClient(url: string, headers: Record<string, string> = {}): Promise<LiveClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { headers })
  onTestFinished(() => socket.terminate())
  const frames: LiveFrame[] = []
  const arrived = new Set<() => void>()
  socket.on('message', (data) => {
    frames.push(JSON.parse(String(data)) as LiveFrame)
    for (const look of arrived) look()
  })
  await once(socket, 'open')
  return {
    socket,
    frames,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    until: (passes: (frame: LiveFrame) => boolean) =>
      new Promise<never>((resolve) => {
        const look = () => {
          const found = frames.find(passes)
          if (found === undefined) return
          arrived.delete(look)
          resolve(found as never)
        }
        arrived.add(look)
        look()
      }),
  }
}

/** The points that the frames of a run hold, by step; a later frame replaces a reading. */
export function pointsOf(frames: readonly LiveFrame[], metric: string): Map<number, unknown> {
  const points = new Map<number, unknown>()
  for (const frame of frames) {
    if (frame.type !== 'points') continue
    frame.columns.step.forEach((step, i) => points.set(step, frame.columns[metric]?.[i] ?? null))
  }
  return points
}
