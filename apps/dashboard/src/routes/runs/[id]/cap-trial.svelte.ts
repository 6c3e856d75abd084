import type { CapsReply } from '@normwatch/protocol'
import type { Api, StepRange } from '#lib/api/client.ts'
import { effectAt, type CapEffect } from './cap-curve.ts'

/** Milliseconds that a hand rests before the exact effect of a cap is asked for. */
const REST = 120

/** Another cap, tried on the norms recorded in the range on screen. */
export class CapTrial {
  readonly #api: Api
  readonly #id: string
  readonly #part: string | null
  #range: Partial<StepRange> = {}
  #reply = $state.raw<CapsReply | null>(null)
  /** The cap that is tried; `null` for none. */
  #cap = $state<number | null>(null)
  #exact = $state.raw<CapEffect | null>(null)
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(api: Api, id: string, part: string | null) {
    this.#api = api
    this.#id = id
    this.#part = part
  }

  get reply(): CapsReply | null {
    return this.#reply
  }
  get cap(): number | null {
    return this.#cap
  }
  /** What the cap would have done: at once from the curve, then exactly. */
  get effect(): CapEffect | undefined {
    if (this.#cap === null || this.#reply === null) return undefined
    return this.#exact?.cap === this.#cap ? this.#exact : effectAt(this.#reply.curve, this.#cap)
  }

  /** Reads the distribution of a range of steps; `{}` is the whole record. */
  async read(range: Partial<StepRange>): Promise<void> {
    this.#range = range
    const reply = await this.#api.caps(this.#id, this.#part, range).catch(() => null)
    if (reply === null || range !== this.#range) return
    this.#reply = reply
    this.#exact = null
    if (this.#cap !== null) this.try(this.#cap)
  }

  try(cap: number | null): void {
    this.#cap = cap
    clearTimeout(this.#timer)
    if (cap !== null) this.#timer = setTimeout(() => void this.#ask(cap), REST)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  async #ask(cap: number): Promise<void> {
    const range = this.#range
    const reply = await this.#api.caps(this.#id, this.#part, range, [cap]).catch(() => null)
    if (reply !== null && range === this.#range && cap === this.#cap) this.#exact = reply.curve[0] ?? null
  }
}
