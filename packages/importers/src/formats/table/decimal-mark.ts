/** A number of digits with points or commas among them, and perhaps an exponent. */
const MARKED = /^[+-]?\d*(?:[.,]\d+)+(?:e[+-]?\d+)?$/i
const ONE_GROUP = /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/

type Mark = '.' | ','

/** The mark that a number shows before its decimals; `undefined` where its only mark may stand between thousands. */
function shownMark(number: string): Mark | undefined {
  const last = Math.max(number.lastIndexOf('.'), number.lastIndexOf(','))
  const mark = number[last] === ',' ? ',' : '.'
  const other = mark === ',' ? '.' : ','
  if (number.includes(other)) return mark
  if (number.indexOf(mark) !== last) return other
  return ONE_GROUP.test(number) ? undefined : mark
}

/**
 * Reads the numbers of one table. Most show themselves whether a point or a comma stands before their decimals: `1,9`, `0,125`,
 * `1,234.5`. Of the others (`1,100`) these decide, unless they contradict each other.
 */
export class DecimalMark {
  #mark: Mark | 'mixed' | undefined

  get isKnown(): boolean {
    return this.#mark !== undefined
  }

  /** Learns from a cell. Whether the cell cannot be read before the mark is known. */
  learn(cell: string): boolean {
    if (!this.#isDoubtful(cell)) return false
    const shown = shownMark(cell)
    if (shown === undefined) return this.#mark === undefined && cell.includes(',')
    if (this.#mark !== undefined && shown !== this.#mark) this.#mark = 'mixed'
    this.#mark ??= shown
    return false
  }

  /** The cell with a point before its decimals; `undefined` where nothing tells what its mark means. */
  read(cell: string): string | undefined {
    if (!this.#isDoubtful(cell)) return cell
    const shown = shownMark(cell)
    if (shown === ',') return cell.replaceAll('.', '').replace(',', '.')
    const hasComma = cell.includes(',')
    const isClear = shown === '.' || this.#mark === '.' || (this.#mark === undefined && !hasComma)
    return isClear ? cell : this.#mark === ',' && hasComma ? cell.replace(',', '.') : undefined
  }

  #isDoubtful(cell: string): boolean {
    if (this.#mark === '.' && !cell.includes(',')) return false
    return /[.,]/.test(cell) && MARKED.test(cell)
  }
}
