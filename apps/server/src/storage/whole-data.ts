/** A value of a table's row. SQLite has no booleans: it stores 0 and 1. */
export type StoredValue = string | number | null | Uint8Array

export interface StoredRow {
  /** Ascending, and the same as long as the data does not change. */
  readonly place: number
  /** In the order of the table's columns. */
  readonly values: readonly StoredValue[]
}

export interface WholeTable {
  readonly name: string
  /** A column `run` holds ids of runs. */
  readonly columns: readonly string[]
  readonly count: number
  /** The highest `key` that was ever given; 0: none, or the table has no such column. */
  readonly lastKey: number
  /** The rows behind `place`, in ascending order, read while they are iterated. */
  rows(place: number): Iterable<StoredRow>
}

/** All data of a store that nobody changes meanwhile, row by row. */
export interface WholeData {
  /** Where it is, for people. */
  readonly folder: string
  /** Another one after every change of the data. */
  readonly mark: string
  readonly tables: readonly WholeTable[]
}

/** The data cannot be moved, or the copy is not the same; `message` says why, in one sentence. */
export class CannotMove extends Error {
  override readonly name = 'CannotMove'
}
