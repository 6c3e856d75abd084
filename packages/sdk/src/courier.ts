import { halves, namesOf, ofNames, pointsOf, type OutboxItem } from './outbox-item.ts'
import type { WireColumns } from './chunk.ts'
import { decide, type Decision } from './retry.ts'
import type { Refusal } from './spool.ts'
import type { ApiRequest, Transport } from './transport.ts'
import { startTimer, stopTimer } from './own-timers.ts'

export interface Refused {
  readonly item: OutboxItem
  readonly refusal: Refusal
}

/** Stored by the server, except for `refused`. */
interface Settled {
  readonly kind: 'settled'
  readonly refused: readonly Refused[]
  /** The points of which the server has stored nothing. */
  readonly notStored: number
}

/** The outcome of one item: settled, or not because the courier stopped. */
export type Delivered = Settled | { readonly kind: 'stopped' }

/** Pause before creating a run again after the server has not known it twice in a row. */
const RECREATE_DELAY_MS = 1_000
const SENT: Delivered = { kind: 'settled', refused: [], notStored: 0 }

const refuse = (item: OutboxItem, refusal: Refusal): Settled => ({
  kind: 'settled',
  refused: [{ item, refusal }],
  notStored: pointsOf(item),
})

export interface CourierOptions {
  readonly run: string
  /** Body of the run's PUT. */
  readonly fields: unknown
  /** Assumes that the server knows the run. It is then created only if the server answers that it does not. */
  readonly isCreated: boolean
  readonly transport: Transport
  readonly random: () => number
  /** How often one request is tried before the courier stops. */
  readonly maxTries: number
  /** Called before each wait for another try, with the reason. */
  readonly onRetry: (words: string) => void
  /** Called if the run to be created existed already. */
  readonly onExisting?: () => void
  /** Whether waiting for another try keeps the process alive: a sync needs that, a training must not do it. */
  readonly holdsProcess?: boolean
}

/** Sends items of one run to the server, one at a time, until the server accepts or refuses each. Never rejects. */
export class Courier {
  readonly #options: CourierOptions
  readonly #stop = new AbortController()
  readonly #path: string
  #isCreated: boolean
  /** Names of readings that the run cannot have, because it has too many others. */
  readonly #refusedNames = new Map<string, Refusal>()

  constructor(options: CourierOptions) {
    this.#options = options
    this.#isCreated = options.isCreated
    this.#path = `/api/v1/runs/${options.run}`
  }

  /** Aborts the current request. */
  stop(): void {
    this.#stop.abort()
  }

  /** Sends one item, and first creates the run if needed. An empty change only creates the run. */
  async send(item: OutboxItem): Promise<Delivered> {
    const created = await this.#create(item)
    const isNoChange = 'patch' in item && Object.keys(item.patch).length === 0
    if (!this.#isCreated || isNoChange) return created
    if ('columns' in item && this.#refusedNames.size > 0) {
      const names = namesOf(item.columns)
      const refused = names.filter((name) => this.#refusedNames.has(name))
      const [first] = refused
      if (first !== undefined) {
        if (names.length === 1) return refuse(item, this.#refusedNames.get(first) as Refusal)
        const others = names.filter((name) => !this.#refusedNames.has(name))
        return this.#sendNames(item.columns, [others, refused])
      }
    }
    return this.#settle(this.#requestFor(item), item)
  }

  #requestFor(item: OutboxItem): ApiRequest {
    const answer = 'accepted'
    if ('columns' in item) return { method: 'POST', path: `${this.#path}/points`, body: item, answer }
    if ('events' in item) return { method: 'POST', path: `${this.#path}/events`, body: item, answer }
    return { method: 'PATCH', path: this.#path, body: item.patch, answer: 'id' }
  }

  /** Creates the run if needed. If the server refuses the run, the item counts as refused. */
  async #create(item: OutboxItem): Promise<Delivered> {
    if (this.#isCreated) return SENT
    const request = { method: 'PUT', path: this.#path, body: this.#options.fields, answer: 'id' } as const
    const delivered = await this.#settle(request, { patch: {} })
    if (delivered.kind === 'stopped') return delivered
    this.#isCreated = delivered.refused.length === 0
    const [refused] = delivered.refused
    return refused === undefined ? SENT : refuse(item, refused.refusal)
  }

  async #settle(request: ApiRequest, item: OutboxItem): Promise<Delivered> {
    const isCreation = request.method === 'PUT'
    for (let attempt = 1; ; attempt++) {
      const { outcome, words } = await this.#options.transport(request, this.#stop.signal)
      if (this.#stop.signal.aborted) return { kind: 'stopped' }
      const decided = decide(outcome, attempt, pointsOf(item), this.#options.random())
      // a PUT creates the run, so "run not found" as its answer is a refusal
      const decision: Decision = isCreation && decided.action === 'create' ? { action: 'refuse' } : decided
      switch (decision.action) {
        case 'done':
          // only after the first try: a second one may find the run that the first one created
          if (isCreation && attempt === 1 && outcome.kind === 'reply' && outcome.status === 200) {
            this.#options.onExisting?.()
          }
          return SENT
        case 'split':
          return this.#sendHalves(item)
        case 'narrow':
        case 'refuse': {
          const [status, code] = outcome.kind === 'reply' ? [outcome.status, outcome.code ?? null] : [0, null]
          const refusal = { status, code, message: words }
          const isNarrowed = decision.action === 'narrow' && 'columns' in item
          return isNarrowed ? this.#narrow(item.columns, refusal) : refuse(item, refusal)
        }
        case 'create': {
          if (attempt >= this.#options.maxTries) return { kind: 'stopped' }
          if (attempt > 1) await this.#wait(RECREATE_DELAY_MS)
          this.#isCreated = false
          const created = await this.#create(item)
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

  /** Each half is settled on its own, so a refused half does not block the other. */
  async #sendHalves(item: OutboxItem): Promise<Delivered> {
    if (!('columns' in item)) return SENT
    const refused: Refused[] = []
    let notStored = 0
    for (const columns of halves(item.columns)) {
      const delivered = await this.send({ columns })
      if (delivered.kind === 'stopped') return delivered
      refused.push(...delivered.refused)
      notStored += delivered.notStored
    }
    return { kind: 'settled', refused, notStored }
  }

  /** Finds the names that the run cannot have, by halves, and sends the other readings. */
  async #narrow(columns: WireColumns, refusal: Refusal): Promise<Delivered> {
    const names = namesOf(columns)
    const [name] = names
    if (names.length === 1 && name !== undefined) {
      this.#refusedNames.set(name, refusal)
      return refuse({ columns }, refusal)
    }
    const middle = Math.floor(names.length / 2)
    return this.#sendNames(columns, [names.slice(0, middle), names.slice(middle)])
  }

  /** Sends the readings of some names after those of others. */
  async #sendNames(columns: WireColumns, shares: readonly (readonly string[])[]): Promise<Delivered> {
    const refused: Refused[] = []
    let stored = 0
    for (const names of shares) {
      const share = ofNames(columns, names)
      if (share === undefined) continue
      const delivered = await this.send({ columns: share })
      if (delivered.kind === 'stopped') return delivered
      refused.push(...delivered.refused)
      stored = Math.max(stored, pointsOf({ columns: share }) - delivered.notStored)
    }
    return { kind: 'settled', refused, notStored: pointsOf({ columns }) - stored }
  }

  /** Waits `ms` milliseconds, or until the courier is stopped. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#stop
    const holdsProcess = this.#options.holdsProcess === true
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const timer = startTimer(done, ms)
      if (typeof timer === 'object' && !holdsProcess) timer.unref()
      function done() {
        stopTimer(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done)
    })
  }
}
