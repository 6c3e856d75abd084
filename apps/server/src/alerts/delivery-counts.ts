import type { Outcome } from './delivery-worker.ts'

export interface DeliveryCount {
  readonly channel: string
  readonly outcome: Outcome
  count: number
}

/** Results of the attempts since the start, by channel. */
export class DeliveryCounts {
  readonly #counts = new Map<string, DeliveryCount>()

  add(channel: string, outcome: Outcome): void {
    const key = `${outcome} ${channel}`
    const entry = this.#counts.get(key) ?? { channel, outcome, count: 0 }
    entry.count++
    this.#counts.set(key, entry)
  }

  [Symbol.iterator](): Iterator<DeliveryCount> {
    return this.#counts.values()
  }
}
