import type { RunRow } from '../run/run-row.ts'
import type { TailRow } from '../run/tail.ts'
import { storable, type Prepared, type Statements, type Value } from './database.ts'
import type { WriteSet } from './write-set.ts'

/**
 * Batches that stay in the tail once leaves hold them: those of the last milliseconds, at most so many bytes. Readers at
 * other servers read them there.
 */
const KEPT_MS = 10_000
const KEPT_BYTES = 128 * 1024

/** Stand for null in lists, as a list with a null is slow to look something up in. */
const NO_NUMBER = -1
const NO_TEXT = ''

/** A function of the database that stores units: that of rows which one database holds, and that of rows wherever they are. */
export type StoringFunction = 'store_group' | 'store_units'

/** What a `StoringFunction` is told of one unit. The comment of `store_units` says what each list holds. */
export interface UnitValues {
  readonly run: string
  readonly numbers: readonly number[]
  readonly rates: readonly [rate: number, meanCoefficient: number]
  readonly texts: readonly string[]
  readonly blobs: readonly Uint8Array[]
  /** Of the blobs. */
  readonly bytes: number
}

/** The numbers of a run that a unit changes, in order; the rates and texts are apart. */
const NUMBERS = [
  'updatedAt',
  'lastArrival',
  'points',
  'lastStep',
  'nonfinite',
  'over',
  'judged',
  'window',
  'currentStreak',
  'longestStreak',
  'attention',
  'mergedThrough',
  'version',
] as const satisfies readonly (keyof RunRow)[]

/**
 * All that a unit of batches changes, computed from the version `base`: the run's row, batches, leaves, pages, and the
 * detector's state.
 */
export function valuesOf(id: string, base: number, row: RunRow, writes: WriteSet): UnitValues {
  const { stored: batches, leftOut, keptBytes } = batchesOf(writes)
  const { detection } = writes
  const lists: number[] = []
  const blobs: Uint8Array[] = []
  let bytes = 0
  const add = (blob: Uint8Array) => {
    lists.push(blob.length)
    blobs.push(blob)
    bytes += blob.length
  }
  for (const { seq, arrivedAt, columns } of batches) {
    lists.push(seq, arrivedAt)
    add(columns)
  }
  lists.push(...writes.leaves.keys())
  let leaves = 0
  for (const [start, blocks] of writes.leaves) {
    for (const [block, { cells, columns }] of blocks) {
      leaves++
      lists.push(start, block)
      add(cells)
      add(columns)
    }
  }
  const pages = [...writes.pages.values()]
  const removedPages = pages.filter(({ page }) => page === null)
  for (const { block, first } of removedPages) lists.push(block, first)
  for (const { block, first, page } of pages) {
    if (page === null) continue
    lists.push(block, first)
    add(page)
  }
  const numbers = [
    bytes,
    base,
    ...NUMBERS.map((name) => row[name] ?? NO_NUMBER),
    writes.isRestated ? 1 : 0,
    leftOut,
    writes.tailThrough,
    row.lastArrival - KEPT_MS,
    Math.max(0, KEPT_BYTES - keptBytes),
    detection?.through ?? NO_NUMBER,
    detection?.stale ?? 0,
    batches.length,
    writes.leaves.size,
    leaves,
    removedPages.length,
    pages.length - removedPages.length,
    ...lists,
  ]
  return {
    run: id,
    numbers: [numbers.length + 1, ...numbers],
    rates: [row.rate ?? NaN, row.meanCoefficient ?? NaN],
    texts: [id, row.latest, row.health, row.conditions, row.parts ?? NO_TEXT, detection?.state ?? NO_TEXT],
    blobs,
    bytes,
  }
}

/** The batches to store: those that leaves do not hold, and of the others the newest, for readers at other servers. */
function batchesOf({ tail, tailThrough }: WriteSet) {
  let keptBytes = 0
  let leftOut = 0
  const isStored = ({ seq, columns }: TailRow) => {
    if (seq > tailThrough || (keptBytes += columns.length) <= KEPT_BYTES) return true
    leftOut = Math.max(leftOut, seq)
    return false
  }
  return { stored: tail.toReversed().filter(isStored).reverse(), leftOut, keptBytes }
}

const STORE: Readonly<Record<StoringFunction, Prepared>> = {
  store_group: { name: 'store_group', sql: 'select store_group($1, $2, $3, $4) as stored' },
  store_units: { name: 'store_units', sql: 'select store_units($1, $2, $3, $4, $5) as stored' },
}

/** Stores one unit, and gives whether it was stored; if not, the run has another version. */
export const storeUnit = async (on: Statements, values: UnitValues): Promise<boolean> =>
  (await storeUnits(on, 'store_units', [values]))[0] === true

/** Stores units of several runs, all of them or none, and gives for each whether it was stored. */
export async function storeUnits(
  on: Statements,
  storing: StoringFunction,
  units: readonly UnitValues[],
): Promise<boolean[]> {
  // whoever stores the same runs at this moment waits in the same order
  const ordered = units.toSorted((a, b) => (a.run < b.run ? -1 : 1))
  const result = await on.get<{ stored: boolean[] }>(STORE[storing], ...parametersOf(storing, ordered))
  const stored = new Map(ordered.map(({ run }, i) => [run, result?.stored[i] === true]))
  return units.map(({ run }) => stored.get(run) === true)
}

/** The parameters of a `StoringFunction` for these units. */
function parametersOf(storing: StoringFunction, units: readonly UnitValues[]): Value[] {
  const [first] = units as [UnitValues]
  return [
    ...(storing === 'store_units' ? [first.run] : []),
    bigints([units.length], ...units.map(({ numbers }) => numbers)),
    doubles(units.map(({ rates }) => rates)),
    textsOf(units.map(({ texts }) => texts)),
    Buffer.concat(units.flatMap(({ blobs }) => blobs)),
  ]
}

const BIGINT = 20
const TEXT = 25
const DOUBLE = 701
/** Of a list: dimensions, whether there are nulls, the type of its elements, their count, the number of the first one. */
const HEAD = 20
/** The length of an element. */
const LENGTH = 4

/** A list in PostgreSQL's binary form, so far without elements, with room for `bytes` of them. */
function listOf(type: number, count: number, bytes: number): Buffer {
  const list = Buffer.allocUnsafe(HEAD + count * LENGTH + bytes)
  list.writeInt32BE(1, 0)
  list.writeInt32BE(0, 4)
  list.writeInt32BE(type, 8)
  list.writeInt32BE(count, 12)
  list.writeInt32BE(1, 16)
  return list
}

function bigints(...lists: (readonly number[])[]): Buffer {
  const count = lists.reduce((sum, { length }) => sum + length, 0)
  const list = listOf(BIGINT, count, count * 8)
  const view = new DataView(list.buffer, list.byteOffset)
  let at = HEAD
  for (const numbers of lists) {
    for (const number of numbers) {
      view.setInt32(at, 8)
      view.setInt32(at + 4, Math.floor(number / 2 ** 32))
      view.setInt32(at + 8, number)
      at += 12
    }
  }
  return list
}

function doubles(lists: readonly (readonly number[])[]): Buffer {
  const numbers = lists.flat()
  const list = listOf(DOUBLE, numbers.length, numbers.length * 8)
  numbers.forEach((number, i) => {
    const at = HEAD + i * 12
    list.writeInt32BE(8, at)
    list.writeDoubleBE(number, at + LENGTH)
  })
  return list
}

function textsOf(lists: readonly (readonly string[])[]): Buffer {
  const texts = lists.flat().map((text) => storable(text) as string)
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const bytes = lengths.reduce((sum, length) => sum + length, 0)
  const list = listOf(TEXT, texts.length, bytes)
  let at = HEAD
  texts.forEach((text, i) => {
    at = list.writeInt32BE(lengths[i] as number, at)
    at += list.write(text, at)
  })
  return list
}
