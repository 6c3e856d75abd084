import type { Caller } from './caller.ts'
import type { Identify } from './identify.ts'

/** Close code of a socket whose token or session has ended: 4000 + 401. */
export const CLOSE_UNAUTHORIZED = 4401

/** Milliseconds after which an open socket's token is looked at again, at the latest. */
const LOOK_EVERY = 2_000

interface Closable {
  close(code: number, reason: string): void
  once(event: 'close', listener: () => void): unknown
}

/** The sockets that are open and whose they are; each is closed soon after its token is revoked or expires. */
export class Sockets {
  readonly #identify: Identify
  readonly #onError: (error: unknown) => void
  readonly #open = new Map<Closable, Caller>()
  #timer: NodeJS.Timeout | undefined

  constructor(identify: Identify, onError: (error: unknown) => void) {
    this.#identify = identify
    this.#onError = onError
  }

  /** Sockets that a caller's token has open. */
  countOf({ id }: Caller): number {
    let count = 0
    for (const caller of this.#open.values()) if (caller.id === id) count++
    return count
  }

  add(socket: Closable, caller: Caller): void {
    this.#open.set(socket, caller)
    socket.once('close', () => this.#open.delete(socket))
    this.#timer ??= setInterval(() => void this.look().catch(this.#onError), LOOK_EVERY).unref()
  }

  /** Closes the sockets of callers that may no longer be here; at once after a revocation, else every two seconds. */
  async look(): Promise<void> {
    const seen = new Map<string, ReturnType<Identify['again']>>()
    for (const [socket, caller] of [...this.#open]) {
      const again = seen.get(caller.shown) ?? this.#identify.again(caller)
      seen.set(caller.shown, again)
      const now = await again
      if (typeof now === 'string') socket.close(CLOSE_UNAUTHORIZED, now)
    }
  }

  /** Ends the looking; the sockets are their owner's to close. */
  stop(): void {
    clearInterval(this.#timer)
  }
}
