import type { LogWriter } from '../../format.ts'
import { Entries } from '../../text/entries.ts'
import { printedNumber } from '../../text/numbers.ts'
import { cells, separatorOf } from './cells.ts'
import { DecimalMark } from './decimal-mark.ts'

/** Rows that wait for a number which shows what a comma means; then those whose commas may mean either lose these numbers. */
const MAX_WAITING = 10_000

type Row = Readonly<Record<string, string>>

/** Puts the rows of a table into its run. */
export class TableRows {
  readonly #log: LogWriter
  readonly #entries: Entries
  readonly #mark = new DecimalMark()
  #names: readonly string[] | undefined
  #separator = ','
  #waiting: Row[] = []
  #mayWait = true
  #unclear = 0
  #firstUnclear = ''

  constructor(log: LogWriter) {
    this.#log = log
    this.#entries = new Entries(log)
  }

  read(line: string): void {
    if (line.trim() === '') return
    if (this.#names === undefined) {
      this.#separator = separatorOf(line) ?? ','
      this.#names = cells(line.replace(/^\uFEFF/, ''), this.#separator)
      return
    }
    const found = cells(line, this.#separator)
    if (isHeader(found, this.#names)) this.#names = found
    else this.#place(found, this.#names)
  }

  finish(): void {
    this.#release()
    if (this.#unclear > 0)
      this.#log.note(
        `${this.#unclear} numbers such as ${this.#firstUnclear} were left out: nothing in the table tells whether their mark stands before decimals or between thousands.`,
      )
    this.#entries.finish()
  }

  #place(found: readonly string[], names: readonly string[]): void {
    const row: Record<string, string> = {}
    let isUnclear = false
    found.forEach((cell, i) => {
      const name = names[i]
      if (cell === '' || name === undefined || name === '__proto__') return
      row[name] = cell
      if (this.#mark.learn(cell)) isUnclear = true
    })
    if (this.#waiting.length === 0 && !(isUnclear && this.#mayWait)) return this.#add(row)
    this.#waiting.push(row)
    if (this.#mark.isKnown) this.#release()
    else if (this.#waiting.length === MAX_WAITING) {
      this.#mayWait = false
      this.#release()
    }
  }

  #release(): void {
    for (const row of this.#waiting) this.#add(row)
    this.#waiting = []
  }

  #add(row: Row): void {
    const entry: Record<string, string> = {}
    for (const name in row) {
      const cell = row[name] as string
      const number = this.#mark.read(cell)
      if (number !== undefined) entry[name] = number
      else if (this.#unclear++ === 0) this.#firstUnclear = cell
    }
    this.#entries.add(entry)
  }
}

/** Whether a row is of names, as where a table was begun again: none is a number, and most were names before. */
function isHeader(row: readonly string[], names: readonly string[]): boolean {
  if (row.length < 2 || row.some((cell) => cell === '' || printedNumber(cell) !== undefined)) return false
  return row.filter((cell) => names.includes(cell)).length * 2 >= row.length
}
