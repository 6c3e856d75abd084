import { LogRefused } from '../../format.ts'
import { loadCompressors } from '../../streams/compressors.ts'

/** Values of one row group that are held at once. */
const MAX_VALUES = 40_000_000
/** Bytes that one page unpacks to. */
const MAX_PAGE = 256 * 1024 * 1024

/** Rows of a Parquet file that lie together: each column's values, `null` where there is none. */
export interface RowGroup {
  readonly rows: number
  readonly columns: ReadonlyMap<string, ArrayLike<unknown>>
}

/** The row groups of a Parquet file, one after the other. Nested columns are left out. Throws `LogRefused` where the file is broken. */
export async function* rowGroups(bytes: Uint8Array): AsyncGenerator<RowGroup> {
  const { parquetMetadata, parquetRead } = await import('hyparquet')
  const compressors = await loadCompressors()
  const buffer = new Uint8Array(bytes).buffer
  const file = {
    byteLength: buffer.byteLength,
    slice: (start: number, end?: number): ArrayBuffer => buffer.slice(start, end),
  }
  const bounded = Object.fromEntries(
    Object.entries(compressors).map(([name, unpack]) => [
      name,
      (input: Uint8Array, length: number): Uint8Array => {
        if (length > MAX_PAGE) throw new Error(`a page says that it unpacks to ${length} bytes`)
        return unpack(input, length)
      },
    ]),
  )
  try {
    const metadata = parquetMetadata(buffer)
    const names = metadata.schema
      .slice(1)
      .filter(({ num_children: children }) => children === undefined)
      .map(({ name }) => name)
    const flat = metadata.row_groups.flatMap(({ columns }) =>
      columns.flatMap(({ meta_data: column }) =>
        column?.path_in_schema.length === 1 ? column.path_in_schema : [],
      ),
    )
    const columns = [...new Set(flat)].filter((name) => names.includes(name))
    let first = 0
    for (const group of metadata.row_groups) {
      const rows = Number(group.num_rows)
      if (!(rows >= 0) || rows * columns.length > MAX_VALUES)
        throw new Error(`a row group of ${rows} rows and ${columns.length} columns is too large`)
      const values = new Map<string, unknown[]>()
      await parquetRead({
        file,
        metadata,
        columns,
        rowStart: first,
        rowEnd: first + rows,
        compressors: bounded,
        onChunk: ({ columnName, columnData, rowStart }) => {
          let column = values.get(columnName)
          if (column === undefined) {
            column = new Array<unknown>(rows).fill(null)
            values.set(columnName, column)
          }
          for (let i = 0; i < columnData.length; i++)
            if (rowStart - first + i < rows) column[rowStart - first + i] = columnData[i]
        },
      })
      yield { rows, columns: values }
      first += rows
    }
  } catch (error) {
    if (error instanceof LogRefused) throw error
    throw new LogRefused(`The Parquet file cannot be read: ${(error as Error).message}.`, { cause: error })
  }
}

/** A cell as JSON would have it: times in Unix seconds, no value where there is none. */
export function plain(cell: unknown): unknown {
  if (typeof cell === 'bigint') return Number(cell)
  if (cell instanceof Date) return cell.getTime() / 1000
  return cell ?? undefined
}
