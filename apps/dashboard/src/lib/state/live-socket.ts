import type { LiveFrame, LiveRequest } from '@normwatch/protocol'

/** What the connection needs of a WebSocket. */
export interface Socket {
  send(data: string): void
  close(): void
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: (() => void) | null
}

export interface LiveSocketParts {
  readonly open: () => Socket
  readonly random: () => number
  readonly setTimer: (action: () => void, milliseconds: number) => unknown
  readonly clearTimer: (timer: never) => void
  readonly onState: (state: LiveState) => void
}

/** `off`: nothing is watched. `waiting`: the connection is lost and the next try is timed. */
export type LiveState = 'off' | 'connecting' | 'open' | 'waiting'

export type Watch =
  | { readonly run: string; readonly metrics: readonly string[] }
  | { readonly runs: { readonly project?: string } }

/** The receiver of a watch: its frames, and `missed` if frames may be lost and the state must be fetched again. */
export interface Listener {
  frame(frame: LiveFrame): void
  missed(): void
}

interface Entry {
  readonly watch: Watch
  readonly listener: Listener
  seq: number | undefined
}

const FIRST_DELAY = 500
const LONGEST_DELAY = 15_000

/**
 * One socket for all that is on screen: it opens with the first watch, closes with the last, and between them reopens
 * for ever, each try later than the one before (with jitter). After a reopening every watch goes on from the last
 * points it saw, or hears `missed`.
 */
export class LiveSocket {
  readonly #parts: LiveSocketParts
  readonly #entries = new Set<Entry>()
  #socket: Socket | undefined
  #isOpen = false
  #tries = 0
  #timer: unknown

  constructor(parts: LiveSocketParts) {
    this.#parts = parts
  }

  /** Watches until the returned function is called. */
  watch(watch: Watch, listener: Listener): () => void {
    const entry: Entry = { watch, listener, seq: undefined }
    this.#entries.add(entry)
    if (this.#isOpen) this.#request(entry)
    else if (this.#socket === undefined) this.retryNow()
    return () => this.#unwatch(entry)
  }

  /** Tries at once instead of at the next scheduled time: the network is back, or the page became visible. */
  retryNow(): void {
    if (this.#socket !== undefined || this.#entries.size === 0) return
    this.#parts.clearTimer(this.#timer as never)
    this.#parts.onState('connecting')
    const socket = this.#parts.open()
    this.#socket = socket
    socket.onopen = () => this.#opened()
    socket.onmessage = ({ data }) => this.#received(data)
    socket.onclose = () => this.#closed(socket)
  }

  #opened(): void {
    const again = this.#tries > 0
    this.#isOpen = true
    this.#tries = 0
    this.#parts.onState('open')
    for (const entry of this.#entries) {
      this.#request(entry)
      // A run is told as it is now; of the list, what changed before the connection was there is not.
      if (entry.seq === undefined && (again || 'runs' in entry.watch)) entry.listener.missed()
    }
  }

  #received(data: unknown): void {
    const frame = JSON.parse(String(data)) as LiveFrame
    for (const entry of [...this.#entries]) {
      if (!concerns(frame, entry.watch)) continue
      // Other frames may have come by the watch of the list, ahead of the points of this run.
      if (frame.type === 'points') entry.seq = frame.seq
      entry.listener.frame(frame)
      if (frame.type === 'gap' && frame.reason !== 'deleted') entry.listener.missed()
    }
  }

  #closed(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    this.#isOpen = false
    if (this.#entries.size === 0) return this.#parts.onState('off')
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#tries++)
    this.#timer = this.#parts.setTimer(() => this.retryNow(), delay * (0.5 + this.#parts.random() / 2))
    this.#parts.onState('waiting')
  }

  #unwatch(entry: Entry): void {
    if (!this.#entries.delete(entry)) return
    const twin = [...this.#entries].some(
      (other) => JSON.stringify(targetOf(other.watch)) === JSON.stringify(targetOf(entry.watch)),
    )
    if (this.#isOpen && !twin) this.#send({ type: 'unwatch', ...targetOf(entry.watch) } as LiveRequest)
    if (this.#entries.size > 0) return
    this.#parts.clearTimer(this.#timer as never)
    const socket = this.#socket
    this.#socket = undefined
    this.#isOpen = false
    this.#tries = 0
    socket?.close()
    this.#parts.onState('off')
  }

  #request({ watch, seq }: Entry): void {
    const after = seq === undefined ? {} : { after: seq }
    this.#send({ type: 'watch', ...watch, ...after } as LiveRequest)
  }

  #send(request: LiveRequest): void {
    this.#socket?.send(JSON.stringify(request))
  }
}

function targetOf(watch: Watch): { run: string } | { runs: { readonly project?: string } } {
  return 'run' in watch ? { run: watch.run } : { runs: watch.runs }
}

function concerns(frame: LiveFrame, watch: Watch): boolean {
  if (frame.type === 'error') return false
  if ('run' in watch) return runOf(frame) === watch.run
  if (frame.type === 'run')
    return watch.runs.project === undefined || frame.run.project === watch.runs.project
  return frame.type !== 'points'
}

function runOf(frame: Exclude<LiveFrame, { type: 'error' }>): string {
  if (frame.type === 'run') return frame.run.id
  return frame.type === 'finding' ? frame.finding.run : frame.run
}
