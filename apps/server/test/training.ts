/** Sends batches whose readings follow from seed and step, so that every stored one can be told to be right. */
export class Training {
  readonly run: string
  readonly #seed: number
  readonly #batch: number
  readonly #isLate: boolean
  /** Batches acknowledged so far; the next one may be stored as well, whole. */
  acknowledged = 0
  /** Batches that were found to be stored; those behind are looked at next. */
  #found = 0

  /** With `isLate`, of each two batches the later one goes first. */
  constructor(seed: number, batch: number, isLate = false) {
    this.run = `training-${seed}`
    this.#seed = seed
    this.#batch = batch
    this.#isLate = isLate
  }

  async create(url: string): Promise<void> {
    const { status } = await send(`${url}/api/v1/runs/${this.run}`, 'PUT', {})
    if (status !== 201) throw new Error(`the run was not created: ${status}`)
  }

  /** Sends the batch that is not acknowledged yet; returns the status of the answer. Rejects without an answer. */
  async sendNext(url: string): Promise<number> {
    const first = this.#nth(this.acknowledged) * this.#batch
    const points = Array.from({ length: this.#batch }, (_, i) => this.#point(first + i))
    const { status } = await send(`${url}/api/v1/runs/${this.run}/points`, 'POST', { points })
    if (status === 200) this.acknowledged++
    return status
  }

  /** Sends on until no answer comes, telling of each acknowledgement. */
  async sendUntilGone(url: string, onAcknowledged: () => void): Promise<void> {
    for (;;) {
      const status = await this.sendNext(url).catch(() => undefined)
      if (status === undefined) return
      if (status !== 200) throw new Error(`${this.run} was refused: ${status}`)
      onAcknowledged()
    }
  }

  /**
   * Throws unless the server has every acknowledged point once and bit for bit, and besides at most the one batch after
   * `acknowledged`, whole. Looks at what came since the last look, or with `all` at everything.
   */
  async expectStored(url: string, all = false): Promise<void> {
    const stored = await this.stored(url, all ? 0 : this.#found)
    if (stored !== this.acknowledged && stored !== this.acknowledged + 1) {
      throw new Error(`${this.run} has ${stored} batches; ${this.acknowledged} were acknowledged`)
    }
    this.#found = stored
  }

  /**
   * How many batches the server has. Throws unless these are the first that were sent, each whole, once and bit for bit;
   * of the first `known` only their number is looked at.
   */
  async stored(url: string, known = 0): Promise<number> {
    // the two batches of a pair may come the other way round
    const from = (known - (known % 2)) * this.#batch
    const answer = await fetch(`${url}/api/v1/runs/${this.run}/points?from=${from}`)
    const lines = (await answer.text()).split('\n').slice(0, -1)
    const points = from + lines.length
    const total = points / this.#batch
    if (!Number.isInteger(total)) throw new Error(`${this.run} has half a batch: ${points} points`)
    const batches = Array.from({ length: total }, (_, i) => this.#nth(i)).toSorted((a, b) => a - b)
    for (const [row, line] of lines.entries()) {
      const batch = batches[Math.floor((from + row) / this.#batch)] as number
      const expected = JSON.stringify(this.#point(batch * this.#batch + (row % this.#batch)))
      if (line !== expected) throw new Error(`${this.run} has ${line}; sent was ${expected}`)
    }
    const run: unknown = await (await fetch(`${url}/api/v1/runs/${this.run}`)).json()
    if ((run as { points: number }).points !== points) throw new Error(`${this.run} has another count`)
    return total
  }

  /** The number of the batch that is sent as the nth. */
  #nth(n: number): number {
    return this.#isLate ? n ^ 1 : n
  }

  /** One in 64 norms is not finite, the others need all their 64 bits; losses are float32. */
  #point(step: number) {
    const random = randomsOf(this.#seed * 2 ** 20 + step)
    const kind = Math.floor(random() * 64)
    return {
      step,
      time: 1_764_000_000 + step * 0.05 + Math.floor(random() * 4_000) / 1e6,
      grad_norm: kind === 0 ? 'NaN' : kind === 1 ? 'Infinity' : random() * 10 ** (kind - 32) + random(),
      loss: Math.fround(random()),
    }
  }
}

/** Reproducible numbers in [0, 1) with 52 random bits (mulberry32, twice a number). */
export function randomsOf(seed: number): () => number {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return () => (next() * 2 ** 20 + (next() >>> 12)) / 2 ** 52
}

async function send(url: string, method: string, body: object): Promise<{ status: number }> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  await answer.arrayBuffer()
  return answer
}
