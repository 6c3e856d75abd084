import type { StoredFinding } from '../storage/store.ts'

/** Most requests that may wait for findings at once. */
export const MAX_WAITS = { ofOneCaller: 32, inAll: 1_024 } as const

/** A request that waits. */
export interface Wait {
  /** Why the wait is over; `undefined` while it is not. */
  readonly over: 'left' | 'closing' | undefined
  /** Resolves with the next matching finding, or one since the last call, or when the wait is over. */
  news(): Promise<void>
  /** Ends the wait; again changes nothing. */
  leave(): void
}

/** The requests that wait until a finding opens or closes; bounded, because each holds a connection. */
export class FindingWaits {
  readonly #waits = new Set<OpenWait>()
  readonly #ofCaller = new Map<string, number>()
  readonly #onEnter: () => void
  #isClosed = false

  constructor(onEnter: () => void = () => undefined) {
    this.#onEnter = onEnter
  }

  get size(): number {
    return this.#waits.size
  }

  /** Begins a wait; `undefined` if there are too many. `concerns` selects findings. */
  enter(caller: string, concerns: (finding: StoredFinding) => boolean): Wait | undefined {
    const others = this.#ofCaller.get(caller) ?? 0
    if (others >= MAX_WAITS.ofOneCaller || this.#waits.size >= MAX_WAITS.inAll) return undefined
    const wait = new OpenWait(concerns, () => this.#forget(wait, caller))
    this.#waits.add(wait)
    this.#ofCaller.set(caller, others + 1)
    if (this.#isClosed) wait.end('closing')
    else this.#onEnter()
    return wait
  }

  /** A finding opened or closed, and is durable. */
  tell(finding: StoredFinding): void {
    for (const wait of this.#waits) wait.tell(finding)
  }

  /** Findings may have opened or closed unnoticed: all who wait are to look again. */
  tellAll(): void {
    for (const wait of this.#waits) wait.tellAgain()
  }

  /** Ends every wait, and each that is begun from now on. */
  close(): void {
    this.#isClosed = true
    for (const wait of this.#waits) wait.end('closing')
  }

  #forget(wait: OpenWait, caller: string): void {
    this.#waits.delete(wait)
    const others = (this.#ofCaller.get(caller) ?? 1) - 1
    if (others === 0) this.#ofCaller.delete(caller)
    else this.#ofCaller.set(caller, others)
  }
}

class OpenWait implements Wait {
  over: Wait['over']
  readonly #concerns: (finding: StoredFinding) => boolean
  readonly #forget: () => void
  #hasNews = false
  #wake: () => void = () => undefined

  constructor(concerns: (finding: StoredFinding) => boolean, forget: () => void) {
    this.#concerns = concerns
    this.#forget = forget
  }

  async news(): Promise<void> {
    if (!this.#hasNews && this.over === undefined)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#hasNews = false
  }

  tell(finding: StoredFinding): void {
    if (this.#concerns(finding)) this.tellAgain()
  }

  tellAgain(): void {
    this.#hasNews = true
    this.#wake()
  }

  leave(): void {
    this.end('left')
  }

  end(why: 'left' | 'closing'): void {
    if (this.over !== undefined) return
    this.over = why
    this.#forget()
    this.#wake()
  }
}
