import { LogRefused } from '../../format.ts'
import { loadCompressors } from '../../streams/compressors.ts'
import { PageBounds } from './page-bounds.ts'

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
  const [{ parquetMetadata, parquetRead }, { parquetHeader }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet/src/column.js'),
  ])
  const compressors = await loadCompressors()
  const buffer = new Uint8Array(bytes).buffer
  /** Where the parts that `hyparquet` takes, and the parts of these, lie in the file. */
  const places = new WeakMap<ArrayBufferLike, number>()
  const partOf = (start: number, end?: number): ArrayBuffer => {
    const part = buffer.slice(start, end)
    places.set(part, start)
    return Object.assign(part, { slice: (from: number, to: number) => partOf(start + from, start + to) })
  }
  const file = { byteLength: buffer.byteLength, slice: partOf }
  let bounds = new PageBounds(buffer, parquetHeader)
  const bounded = Object.fromEntries(
    Object.entries(compressors).map(([name, unpack]) => [
      name,
      (input: Uint8Array, length: number): Uint8Array => {
        if (length > MAX_PAGE) throw new Error(`a page says that it unpacks to ${length} bytes`)
        const plain = unpack(input, length)
        const place = places.get(input.buffer)
        if (place !== undefined) bounds.checkUnpacked(place + input.byteOffset, plain)
        return plain
      },
    ]),
  )
  try {
    const metadata = parquetMetadata(buffer)
    const fields = new Map(
      metadata.schema
        .slice(1)
        .filter(
          ({ num_children: children, repetition_type: repeats }) =>
            children === undefined && repeats !== 'REPEATED',
        )
        .map(({ name, repetition_type: kind }) => [name, kind]),
    )
    const flat = metadata.row_groups.flatMap(({ columns }) =>
      columns.flatMap(({ meta_data: column }) =>
        column?.path_in_schema.length === 1 ? column.path_in_schema : [],
      ),
    )
    const columns = [...new Set(flat)].filter((name) => fields.has(name))
    let first = 0
    for (const group of metadata.row_groups) {
      const rows = Number(group.num_rows)
      if (!(rows >= 0) || rows * columns.length > MAX_VALUES)
        throw new Error(`a row group of ${rows} rows and ${columns.length} columns is too large`)
      bounds = new PageBounds(buffer, parquetHeader)
      for (const { meta_data: column } of group.columns) {
        const name = column?.path_in_schema.length === 1 ? column.path_in_schema[0] : undefined
        if (column !== undefined && name !== undefined && fields.has(name))
          bounds.addColumn(column, fields.get(name) === 'OPTIONAL', rows)
      }
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
