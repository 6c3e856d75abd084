import { MAX_FRAMES_PER_SECOND } from '@normwatch/protocol'

/** The end of a socket, as far as the hub needs it. */
export interface Peer {
  /** Bytes handed over and not yet taken by the network. */
  readonly bufferedAmount: number
  send(data: string): void
}

/** A reader with more than this waiting gets nothing more until it has drained. */
const MAX_BUFFERED_BYTES = 1024 * 1024

/** One live connection: what it may be sent now. */
export class Reader {
  readonly #peer: Peer
  /** When the newest frames were sent, in milliseconds: a ring as long as what a second may hold. */
  readonly #sentAt = new Float64Array(MAX_FRAMES_PER_SECOND).fill(-Infinity)
  #next = 0

  constructor(peer: Peer) {
    this.#peer = peer
  }

  /** It does not take what it was sent. */
  get isSlow(): boolean {
    return this.#peer.bufferedAmount > MAX_BUFFERED_BYTES
  }

  /** Whether the last second has room for another frame, and for `spare` more. */
  mayGet(now: number, spare = 0): boolean {
    return now - (this.#sentAt[(this.#next + spare) % this.#sentAt.length] as number) >= 1000
  }

  send(frame: string, now: number): void {
    this.#sentAt[this.#next] = now
    this.#next = (this.#next + 1) % this.#sentAt.length
    this.#peer.send(frame)
  }
}
