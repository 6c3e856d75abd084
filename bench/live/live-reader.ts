import { once } from 'node:events'
import { WebSocket } from 'ws'

/** A points frame: its arrival time, in milliseconds of this process's clock, and its steps. */
export interface Arrival {
  readonly at: number
  readonly steps: ReadonlySet<number>
}

/** A live socket that watches runs, like a run page, and records the frames. */
export class LiveReader {
  pointsFrames = 0
  otherFrames = 0
  gaps = 0
  readonly runs: readonly string[]
  readonly #socket: WebSocket
  readonly #arrivals = new Map<string, Arrival[]>()

  private constructor(socket: WebSocket, runs: readonly string[]) {
    this.#socket = socket
    this.runs = runs
    socket.on('message', (data: Buffer) => this.#take(data.toString('latin1'), performance.now()))
  }

  static async open(port: number, runs: readonly string[]): Promise<LiveReader> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`, { perMessageDeflate: false })
    await once(socket, 'open')
    const reader = new LiveReader(socket, runs)
    for (const run of runs) socket.send(JSON.stringify({ type: 'watch', run }))
    return reader
  }

  arrivals(run: string): readonly Arrival[] {
    return this.#arrivals.get(run) ?? []
  }

  forget(): void {
    this.#arrivals.clear()
    this.pointsFrames = this.otherFrames = this.gaps = 0
  }

  /** Stops reading, but keeps the connection open. */
  stopReading(): void {
    this.#socket.pause()
  }

  close(): void {
    this.#socket.terminate()
  }

  #take(frame: string, at: number): void {
    const points = /^{"type":"points","run":"([^"]*)".*?"step":\[([\d,]*)\]/.exec(frame)
    if (points === null) {
      if (frame.startsWith('{"type":"gap"')) this.gaps++
      this.otherFrames++
      return
    }
    this.pointsFrames++
    const [, run, steps] = points as unknown as [string, string, string]
    const arrivals = this.#arrivals.get(run) ?? []
    this.#arrivals.set(run, arrivals)
    arrivals.push({ at, steps: new Set(steps.split(',').map(Number)) })
  }
}
