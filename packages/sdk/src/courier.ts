import { halves, pointsOf, type Parcel } from './parcel.ts'
import { decide, type Decision } from './retry.ts'
import type { Refusal } from './spool.ts'
import type { ApiRequest, Transport } from './transport.ts'

export interface Refused {
  readonly parcel: Parcel
  readonly refusal: Refusal
}

/** What became of a parcel: the server has all but what it refused, or it was not settled before the courier stopped. */
export type Delivered =
  { readonly kind: 'settled'; readonly refused: readonly Refused[] } | { readonly kind: 'stopped' }

/** Between two creations of a run that keeps vanishing. */
const RECREATE_DELAY_MS = 1_000
const SENT: Delivered = { kind: 'settled', refused: [] }

export interface CourierOptions {
  readonly run: string
  /** Body of the run's PUT. */
  readonly fields: unknown
  /** The server is believed to know the run: it is created only when the server says that it does not. */
  readonly isCreated: boolean
  readonly transport: Transport
  readonly random: () => number
  /** Tries of one request before the courier stops by itself. */
  readonly maxTries: number
  /** Called before each wait for another try, with what went wrong. */
  readonly onRetry: (words: string) => void
}

/** Brings parcels of one run to the server, one after another, each until the server has settled it. Never rejects. */
export class Courier {
  readonly #options: CourierOptions
  readonly #stop = new AbortController()
  readonly #path: string
  #isCreated: boolean

  constructor(options: CourierOptions) {
    this.#options = options
    this.#isCreated = options.isCreated
    this.#path = `/api/v1/runs/${options.run}`
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#stop.abort()
  }

  /** Creates the run first where that has not happened; an empty change does nothing more. */
  async send(parcel: Parcel): Promise<Delivered> {
    const created = await this.#create(parcel)
    const isNoChange = 'patch' in parcel && Object.keys(parcel.patch).length === 0
    if (!this.#isCreated || isNoChange) return created
    const request: ApiRequest =
      'columns' in parcel
        ? { method: 'POST', path: `${this.#path}/points`, body: parcel }
        : { method: 'PATCH', path: this.#path, body: parcel.patch }
    return this.#settle(request, parcel)
  }

  /** Creates the run where it is needed; a refusal of the run is one of the parcel. */
  async #create(parcel: Parcel): Promise<Delivered> {
    if (this.#isCreated) return SENT
    const request = { method: 'PUT', path: this.#path, body: this.#options.fields } as const
    const delivered = await this.#settle(request, { patch: {} })
    if (delivered.kind === 'stopped') return delivered
    this.#isCreated = delivered.refused.length === 0
    return { kind: 'settled', refused: delivered.refused.map(({ refusal }) => ({ parcel, refusal })) }
  }

  async #settle(request: ApiRequest, parcel: Parcel): Promise<Delivered> {
    for (let attempt = 1; ; attempt++) {
      const { outcome, words } = await this.#options.transport(request, this.#stop.signal)
      if (this.#stop.signal.aborted) return { kind: 'stopped' }
      const decided = decide(outcome, attempt, pointsOf(parcel), this.#options.random())
      // what makes the run cannot lack it
      const isMaking = decided.action === 'create' && request.method === 'PUT'
      const decision: Decision = isMaking ? { action: 'refuse' } : decided
      switch (decision.action) {
        case 'done':
          return SENT
        case 'split':
          return this.#sendHalves(parcel)
        case 'refuse': {
          const [status, code] = outcome.kind === 'reply' ? [outcome.status, outcome.code ?? null] : [0, null]
          return { kind: 'settled', refused: [{ parcel, refusal: { status, code, message: words } }] }
        }
        case 'create': {
          if (attempt >= this.#options.maxTries) return { kind: 'stopped' }
          if (attempt > 1) await this.#wait(RECREATE_DELAY_MS)
          this.#isCreated = false
          const created = await this.#create(parcel)
          if (!this.#isCreated) return created
          break
        }
        case 'retry':
          if (attempt >= this.#options.maxTries) return { kind: 'stopped' }
          this.#options.onRetry(outcome.kind === 'reply' ? `${outcome.status} ${words}`.trim() : words)
          await this.#wait(decision.delayMs)
      }
      if (this.#stop.signal.aborted) return { kind: 'stopped' }
    }
  }

  /** Each half is settled on its own: one that is refused does not hold back the other. */
  async #sendHalves(parcel: Parcel): Promise<Delivered> {
    if (!('columns' in parcel)) return SENT
    const refused: Refused[] = []
    for (const columns of halves(parcel.columns)) {
      const delivered = await this.send({ columns })
      if (delivered.kind === 'stopped') return delivered
      refused.push(...delivered.refused)
    }
    return { kind: 'settled', refused }
  }

  /** Waits that long, or until the courier is stopped. Keeps no process alive. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#stop
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const timer = setTimeout(done, ms)
      if (typeof timer === 'object') timer.unref()
      function done() {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done)
    })
  }
}
