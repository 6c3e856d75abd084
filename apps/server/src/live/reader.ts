import { MAX_FRAMES_PER_SECOND } from '@normwatch/protocol'

/** The end of a socket, as far as the hub needs it. */
export interface Peer {
  /** Bytes handed over and not yet taken by the network. */
  readonly bufferedAmount: number
  send(data: string): void
}

/** A reader with more than this waiting gets nothing more until it has drained. */
const MAX_BUFFERED_BYTES = 1024 * 1024

/** Changed runs a reader is told of in a second, unless they are urgent: the rest of its frames is for points. */
const MAX_CHANGES_PER_SECOND = 5

/** One live connection: what it may be sent now. */
export class Reader {
  readonly #peer: Peer
  readonly #project: string | null
  readonly #frames = new LastSecond(MAX_FRAMES_PER_SECOND)
  readonly #changes = new LastSecond(MAX_CHANGES_PER_SECOND)

  /** `project`: the only one it may hear of; `null`: every one. */
  constructor(peer: Peer, project: string | null) {
    this.#peer = peer
    this.#project = project
  }

  mayHearOf(project: string): boolean {
    return this.#project === null || this.#project === project
  }

  /** It does not take what it was sent. */
  get isSlow(): boolean {
    return this.#peer.bufferedAmount > MAX_BUFFERED_BYTES
  }

  /** Whether the last second has room for another frame, and for `spare` more. */
  mayGet(now: number, spare = 0): boolean {
    return this.#frames.hasRoom(now, spare)
  }

  /** Whether it may be told of a change that is not urgent. */
  mayGetChange(now: number): boolean {
    return this.#frames.hasRoom(now, 0) && this.#changes.hasRoom(now, 0)
  }

  send(frame: string, now: number): void {
    this.#frames.note(now)
    this.#peer.send(frame)
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
