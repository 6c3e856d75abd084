/** The readings of one metric, one a row, as the server keeps and sends them. */
export interface Column {
  readonly values: Float64Array
  /** 1 where there is a reading; `null`: everywhere. */
  readonly present: Uint8Array | null
}

/** Whether row `i` has a reading. */
export function has(column: Column | undefined, i: number): column is Column {
  return column !== undefined && (column.present === null || column.present[i] === 1)
}

/** The reading of row `i`, or `undefined`. */
export function readingOf(column: Column | undefined, i: number): number | undefined {
  return has(column, i) ? column.values[i] : undefined
}
