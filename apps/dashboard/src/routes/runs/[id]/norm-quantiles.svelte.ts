import type { Api } from '#lib/api/client.ts'

/** Milliseconds between two readings of the quantiles of a run that moves. */
const REST = 10_000

/** The quantiles of the pre-clip norm of a run, or of a part of it, exact over its whole record, read again now and then while it moves. */
export class NormQuantiles {
  readonly #api: Api
  readonly #id: string
  readonly #part: string | null
  #values = $state.raw<Readonly<Record<string, number | null>> | null>(null)
  #at = -Infinity
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(api: Api, id: string, part: string | null) {
    this.#api = api
    this.#id = id
    this.#part = part
  }

  /** Such as `p50`; `null` while it is not known yet, `undefined` where the server does not say. */
  of(name: string): number | null | undefined {
    return this.#values === null ? null : (this.#values[name] ?? undefined)
  }

  /** Says that the run has moved. */
  refresh(): void {
    this.#timer ??= setTimeout(() => void this.#fetch(), Math.max(0, this.#at + REST - Date.now()))
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  async #fetch(): Promise<void> {
    this.#timer = undefined
    this.#at = Date.now()
    try {
      this.#values = (await this.#api.caps(this.#id, this.#part)).quantiles
    } catch {
      // The figures stay as they were: the charts beside them say that the server does not answer.
      this.#values ??= {}
    }
  }
}
