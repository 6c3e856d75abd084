import type { Delivery, DeliveryList } from '@normwatch/protocol'
import type { AlertsApi } from '#lib/api/alerts.ts'
import { sentenceOf } from '#lib/api/failure.ts'
import { clock } from '#lib/state/clock.svelte.ts'

/** A due message is fetched again after this many milliseconds. */
const SOON = 1_000
/** The longest wait that a timer takes. */
const LONGEST = 2 ** 31 - 1

/** Messages and what came of them, the newest first: of a channel, a run or a finding. */
export class DeliveryLog {
  readonly #api: Pick<AlertsApi, 'redeliver'>
  readonly #read: (cursor: string | null) => Promise<DeliveryList>
  #deliveries = $state.raw<readonly Delivery[]>([])
  #cursor = $state<string | null>(null)
  #phase = $state<'loading' | 'ready' | 'failed'>('loading')
  #failure = $state('')
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOver = false

  constructor(api: Pick<AlertsApi, 'redeliver'>, read: (cursor: string | null) => Promise<DeliveryList>) {
    this.#api = api
    this.#read = read
  }

  get all(): readonly Delivery[] {
    return this.#deliveries
  }
  get hasOlder(): boolean {
    return this.#cursor !== null
  }
  get phase(): 'loading' | 'ready' | 'failed' {
    return this.#phase
  }
  get failure(): string {
    return this.#failure
  }

  /** Reads the newest ones, and again whenever a try falls due, until the returned function is called. */
  follow(): () => void {
    void this.load()
    return () => {
      this.#isOver = true
      clearTimeout(this.#timer)
    }
  }

  /** Reads the newest ones again; older ones that were read stay. */
  load = async (): Promise<void> => {
    clearTimeout(this.#timer)
    try {
      const { deliveries, next_cursor } = await this.#read(null)
      const older = this.#deliveries.filter(({ id }) => deliveries.every((fresh) => fresh.id !== id))
      if (older.length === 0) this.#cursor = next_cursor
      this.#deliveries = [...deliveries, ...older]
      this.#phase = 'ready'
      this.#failure = ''
      this.#lookAfter()
    } catch (error) {
      this.#failure = sentenceOf(error)
      if (this.#phase === 'loading') this.#phase = 'failed'
    }
  }

  older = async (): Promise<void> => {
    try {
      const { deliveries, next_cursor } = await this.#read(this.#cursor)
      this.#deliveries = [...this.#deliveries, ...deliveries]
      this.#cursor = next_cursor
    } catch (error) {
      this.#failure = sentenceOf(error)
    }
  }

  /** Sends a message again, under its old id. */
  redeliver = async ({ id }: Delivery): Promise<void> => {
    try {
      await this.#api.redeliver(id)
      await this.load()
    } catch (error) {
      this.#failure = sentenceOf(error)
    }
  }

  #lookAfter(): void {
    const due = this.#deliveries.flatMap(({ next_try_at }) => (next_try_at ? [Date.parse(next_try_at)] : []))
    if (this.#isOver || due.length === 0) return
    const wait = Math.max(Math.min(...due) - clock.now, 0) + SOON
    this.#timer = setTimeout(() => void this.load(), Math.min(wait, LONGEST))
  }
}
