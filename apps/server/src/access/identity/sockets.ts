import { isDeepStrictEqual } from 'node:util'
import type { Caller } from './caller.ts'
import type { Authenticator } from './authenticator.ts'

/** Close code of a socket whose token or session has ended: 4000 + 401. */
export const CLOSE_UNAUTHORIZED = 4401

/** Close code of a socket whose caller may now do something else than before: 4000 + 403. Whoever connects again is told by the new rules. */
export const CLOSE_FORBIDDEN = 4403
/** Milliseconds after which an open socket's token is checked again, at the latest. */
const RECHECK_EVERY_MS = 2_000

interface Closable {
  close(code: number, reason: string): void
  once(event: 'close', listener: () => void): unknown
}

/** The open sockets and their callers; each is closed soon after its token is revoked or expires. */
export class Sockets {
  readonly #authenticator: Authenticator
  readonly #onError: (error: unknown) => void
  readonly #open = new Map<Closable, Caller>()
  #timer: NodeJS.Timeout | undefined

  constructor(authenticator: Authenticator, onError: (error: unknown) => void) {
    this.#authenticator = authenticator
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
    this.#timer ??= setInterval(() => void this.recheck().catch(this.#onError), RECHECK_EVERY_MS).unref()
  }

  /**
   * Closes the sockets whose token or session has ended, or whose caller has other grants now: at once after a
   * revocation, else every two seconds.
   */
  async recheck(): Promise<void> {
    const checked = new Map<string, ReturnType<Authenticator['recheck']>>()
    for (const [socket, caller] of [...this.#open]) {
      const checking = checked.get(caller.credentialHash) ?? this.#authenticator.recheck(caller)
      checked.set(caller.credentialHash, checking)
      const now = await checking
      if (typeof now === 'string') socket.close(CLOSE_UNAUTHORIZED, now)
      else if (!isDeepStrictEqual(now.grants, caller.grants)) socket.close(CLOSE_FORBIDDEN, 'grants_changed')
    }
  }

  /** Stops checking; whoever owns the sockets closes them. */
  stop(): void {
    clearInterval(this.#timer)
  }
}
