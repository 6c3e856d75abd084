import { createHash } from 'node:crypto'
import type { StoredValue } from '../../whole-data.ts'

/** A value as either engine gives it. */
export type ReadValue = StoredValue | boolean

/** How many rows of a table each run has, and a checksum of them that does not depend on their order. */
export type Digest = ReadonlyMap<string, { readonly rows: number; readonly sum: bigint }>

/** Adds up rows; `''` stands for rows that belong to no run. */
export class RunDigest {
  readonly #byRun = new Map<string, { rows: number; sum: bigint }>()
  readonly #run: number

  /** The rows of the table `name` with these columns. */
  constructor(name: string, columns: readonly string[]) {
    this.#run = columns.indexOf(name === 'runs' ? 'id' : 'run')
  }

  add(values: readonly ReadValue[]): void {
    const run = String(values[this.#run] ?? '')
    const sum = this.#byRun.get(run) ?? { rows: 0, sum: 0n }
    sum.rows++
    sum.sum = BigInt.asUintN(64, sum.sum + checksum(values))
    this.#byRun.set(run, sum)
  }

  get digest(): Digest {
    return this.#byRun
  }
}

function checksum(values: readonly ReadValue[]): bigint {
  const hash = createHash('sha256')
  for (const value of values) {
    if (value === null) hash.update('null;')
    else if (value instanceof Uint8Array) hash.update(`bytes ${value.length};`).update(value)
    else if (typeof value === 'string') hash.update(`text ${value.length};`).update(value)
    else hash.update(`number ${Number(value)};`)
  }
  return hash.digest().readBigUInt64LE()
}

/** The first run whose rows are not the same in both; `undefined`: all are. */
export function differingRun(one: Digest, other: Digest): string | undefined {
  for (const run of new Set([...one.keys(), ...other.keys()])) {
    const [a, b] = [one.get(run), other.get(run)]
    if (a?.rows !== b?.rows || a?.sum !== b?.sum) return run
  }
  return undefined
}
