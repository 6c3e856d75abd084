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

  /** Points acknowledged so far. */
  get points(): number {
    return this.acknowledged * this.#batch
  }

  async create(url: string): Promise<void> {
    const { status } = await send(`${url}/api/v1/runs/${this.run}`, 'PUT', {})
    if (status !== 201) throw new Error(`the run was not created: ${status}`)
  }

  /** Sends the batch that is not acknowledged yet; gives the status of the answer. Rejects when there is none. */
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
  async expectStored(url: string, all = false, acknowledged = this.acknowledged): Promise<void> {
    // the two batches of a pair may come the other way round
    const from = all ? 0 : Math.max(0, this.#found - (this.#found % 2)) * this.#batch
    const answer = await fetch(`${url}/api/v1/runs/${this.run}/points?from=${from}`)
    const lines = (await answer.text()).split('\n').slice(0, -1)
    const total = (lines.length + from) / this.#batch
    if (total !== acknowledged && total !== acknowledged + 1) {
      throw new Error(`${this.run} has ${total} batches; ${acknowledged} were acknowledged`)
    }
    const batches = Array.from({ length: total }, (_, i) => this.#nth(i)).toSorted((a, b) => a - b)
    batches.splice(0, from / this.#batch)
    for (const [row, line] of lines.entries()) {
      const step = (batches[Math.floor(row / this.#batch)] as number) * this.#batch + (row % this.#batch)
      const expected = JSON.stringify(this.#point(step))
      if (line !== expected) throw new Error(`${this.run} has ${line}; sent was ${expected}`)
    }
    const run: unknown = await (await fetch(`${url}/api/v1/runs/${this.run}`)).json()
    const { points } = run as { points: number }
    if (points !== total * this.#batch) throw new Error(`${this.run} counts ${points} points`)
    this.#found = total
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
