import { matcherOf, MAX_FRAMES_PER_SECOND, type Projects } from '@normwatch/protocol'

/** The part of a socket that the hub needs. */
export interface Peer {
  /** Bytes handed over and not yet taken by the network. */
  readonly bufferedAmount: number
  send(data: string): void
}

/** A reader with more unsent bytes than this gets nothing more until they have drained. */
const MAX_BUFFERED_BYTES = 1024 * 1024

/** Changed runs sent to a reader per second, unless they are urgent: the other frames are for points. */
const MAX_CHANGES_PER_SECOND = 4
/** Frames of a second that points of several runs leave: where each second was full, one that is due might have to wait. */
const SPARE_FRAMES = 1
/** Milliseconds between two frames of points, where those of several runs share a second. */
const SHARED_POINTS_EVERY_MS = 1000 / (MAX_FRAMES_PER_SECOND - MAX_CHANGES_PER_SECOND - SPARE_FRAMES)

/** One live connection: what it may be sent now. */
export class Reader {
  readonly #peer: Peer
  readonly mayHearOf: (project: string) => boolean
  readonly #frames = new LastSecond(MAX_FRAMES_PER_SECOND)
  readonly #changes = new LastSecond(MAX_CHANGES_PER_SECOND)
  /** When points of each run were sent last, within the last second, the longest ago first. */
  readonly #points = new Map<string, number>()

  /** `projects`: those it may see. */
  constructor(peer: Peer, projects: Projects) {
    this.#peer = peer
    this.mayHearOf = matcherOf(projects)
  }

  /** It has too many unsent bytes. */
  get isSlow(): boolean {
    return this.#peer.bufferedAmount > MAX_BUFFERED_BYTES
  }

  /** Whether the last second has room for another frame, and for `spare` more. */
  mayGet(now: number, spare = 0): boolean {
    return this.#frames.hasRoom(now, spare)
  }

  /**
   * Whether it is this run's turn to send points, where the second has room. Of several runs, each gets its share at even
   * distances: sent as they come, they would use up a second's frames at its beginning, and wait for its end.
   */
  isTurnOf(run: string, now: number): boolean {
    for (const [other, at] of this.#points) {
      if (now - at < 1000 && now >= at) break
      this.#points.delete(other)
    }
    const runs = this.#points.size
    const at = this.#points.get(run)
    return at === undefined || runs === 1 || now - at >= runs * SHARED_POINTS_EVERY_MS
  }

  /** Whether a change that is not urgent may be sent now. */
  mayGetChange(now: number): boolean {
    return this.#frames.hasRoom(now, 0) && this.#changes.hasRoom(now, 0)
  }

  send(frame: string, now: number): void {
    this.#frames.note(now)
    this.#peer.send(frame)
  }

  sendPoints(run: string, frames: readonly string[], now: number): void {
    this.#points.delete(run)
    this.#points.set(run, now)
    for (const frame of frames) this.send(frame, now)
  }

  sendChange(frame: string, now: number): void {
    this.#changes.note(now)
    this.send(frame, now)
  }
}

/** When the newest frames were sent, in milliseconds: a ring as long as what a second may hold. */
class LastSecond {
  readonly #sentAt: Float64Array
  #next = 0

  constructor(most: number) {
    this.#sentAt = new Float64Array(most).fill(-Infinity)
  }

  hasRoom(now: number, spare: number): boolean {
    return now - (this.#sentAt[(this.#next + spare) % this.#sentAt.length] as number) >= 1000
  }

  note(now: number): void {
    this.#sentAt[this.#next] = now
    this.#next = (this.#next + 1) % this.#sentAt.length
  }
}
