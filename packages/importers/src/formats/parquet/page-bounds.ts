import type { ColumnMetaData, DataReader, PageHeader } from 'hyparquet'

/** Values by which a bit-packed run may pass the end of its page: it is made of groups of eight. */
const MAX_ROUNDED_UP = 512
/** Encodings of values as runs. */
const OF_RUNS: ReadonlySet<unknown> = new Set(['PLAIN_DICTIONARY', 'RLE_DICTIONARY', 'RLE'])

interface Page {
  readonly values: number
  readonly encoding: string | undefined
  readonly isBoolean: boolean
  /** Whether its unpacked bytes begin with the levels that say where there is no value. */
  readonly hasLevels: boolean
}

/**
 * Checks pages of flat columns before `hyparquet` decodes them. It trusts the number of values of a page and the length of a
 * run of equal values, and makes room for up to two billion.
 */
export class PageBounds {
  readonly #file: ArrayBuffer
  readonly #readHeader: (reader: DataReader) => PageHeader
  /** Pages that are packed, by the place of their packed bytes in the file. */
  readonly #packed = new Map<number, Page>()

  constructor(file: ArrayBuffer, readHeader: (reader: DataReader) => PageHeader) {
    this.#file = file
    this.#readHeader = readHeader
  }

  /** Looks at the pages of a row group's column; those that are packed are checked once they are unpacked. Throws. */
  addColumn(column: ColumnMetaData, isOptional: boolean, rows: number): void {
    const first = Number(column.dictionary_page_offset || column.data_page_offset)
    const length = Number(column.total_compressed_size)
    const reader = { view: new DataView(this.#file, first, length), offset: 0 }
    for (let seen = 0; seen < rows && reader.offset < length - 1;) {
      const header = this.#readHeader(reader)
      const { data_page_header: one, data_page_header_v2: two, compressed_page_size: size } = header
      const packed = new Uint8Array(this.#file, first + reader.offset, size)
      reader.offset += size
      const values = (header.type === 'DATA_PAGE_V2' ? two : header.type === 'DATA_PAGE' ? one : undefined)
        ?.num_values
      if (values === undefined) continue
      if (!(values >= 0 && values <= rows - seen))
        throw new Error(`a page says that it has ${values} values, and its row group has ${rows} rows`)
      seen += values
      const isBoolean = column.type === 'BOOLEAN'
      if (two !== undefined && header.type === 'DATA_PAGE_V2') {
        const { repetition_levels_byte_length: before, definition_levels_byte_length: levels } = two
        if (isOptional) checkRuns(packed.subarray(before), 1, values)
        const content = packed.subarray(before + (isOptional ? levels : 0))
        const page = { values, encoding: two.encoding, isBoolean, hasLevels: false }
        this.#add(content, page, two.is_compressed === false || column.codec === 'UNCOMPRESSED')
      } else
        this.#add(
          packed,
          { values, encoding: one?.encoding, isBoolean, hasLevels: isOptional },
          column.codec === 'UNCOMPRESSED',
        )
    }
  }

  /** Checks what the packed bytes at this place in the file have become. Throws. */
  checkUnpacked(place: number, plain: Uint8Array): void {
    const page = this.#packed.get(place)
    if (page !== undefined) checkPage(page, plain)
  }

  #add(content: Uint8Array, page: Page, isPlain: boolean): void {
    if (isPlain) checkPage(page, content)
    else this.#packed.set(content.byteOffset, page)
  }
}

function checkPage({ values, encoding, isBoolean, hasLevels }: Page, plain: Uint8Array): void {
  let rest = plain
  if (hasLevels) {
    checkRuns(plain.subarray(4), 1, values)
    const levels = new DataView(plain.buffer, plain.byteOffset, plain.byteLength).getUint32(0, true)
    rest = plain.subarray(4 + levels)
  }
  if (!OF_RUNS.has(encoding) || values === 0) return
  if (isBoolean) checkRuns(rest.subarray(4), 1, values)
  else checkRuns(rest.subarray(1), rest[0] ?? 0, values)
}

/**
 * Throws where a run goes beyond the values of a page. As `hyparquet` does, it reads runs until there are as many values, whatever
 * length is told. The format, a mix of runs of equal values and of packed bits:
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
function checkRuns(bytes: Uint8Array, bitWidth: number, values: number): void {
  for (let at = 0, left = values; left > 0 && at < bytes.length;) {
    let header = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0
      header |= (byte & 127) << shift
      if (byte < 128) break
    }
    const groups = header >>> 1
    const isPacked = (header & 1) === 1
    const length = isPacked ? groups * 8 : groups
    if (length > left + (isPacked ? MAX_ROUNDED_UP : 0))
      throw new Error(`a run of ${length} values is longer than its page of ${values}`)
    left -= length
    at += isPacked ? groups * bitWidth : Math.ceil(bitWidth / 8)
  }
}
