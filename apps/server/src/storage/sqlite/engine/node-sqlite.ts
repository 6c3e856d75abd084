import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Database, DatabaseOptions } from './database.ts'

/** SQLite's primary result codes that the store tells apart. */
const CODES: Readonly<Record<number, string>> = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  7: 'SQLITE_NOMEM',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  19: 'SQLITE_CONSTRAINT',
  26: 'SQLITE_NOTADB',
}
const IOERR_WRITE = 778

/** Opens a data file with Node's own SQLite. What the store does not use of better-sqlite3 is not there. */
export function openNodeDatabase(
  file: string,
  { readonly = false, timeout = 5_000 }: DatabaseOptions = {},
): Database {
  return new NodeDatabase(file, readonly, timeout) as unknown as Database
}

class NodeDatabase {
  readonly name: string
  readonly #db: DatabaseSync

  constructor(file: string, readOnly: boolean, timeout: number) {
    this.name = file
    this.#db = named(() => new DatabaseSync(file, { readOnly, timeout }))
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction
  }

  exec(sql: string): this {
    named(() => this.#db.exec(sql))
    return this
  }

  prepare(sql: string): NodeStatement {
    const statement = named(() => this.#db.prepare(sql))
    statement.setAllowUnknownNamedParameters(true)
    return new NodeStatement(statement)
  }

  pragma(text: string, { simple = false } = {}): unknown {
    const statement = this.prepare(`pragma ${text}`)
    return simple ? statement.pluck().get() : statement.all()
  }

  transaction(work: () => unknown): (() => unknown) & { immediate: () => unknown } {
    const within = (begin: string) => () => {
      this.exec(begin)
      try {
        const result = work()
        this.exec('commit')
        return result
      } catch (error) {
        if (this.inTransaction) this.exec('rollback')
        throw error
      }
    }
    return Object.assign(within('begin'), { immediate: within('begin immediate') })
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }
}

type Parameters = (null | number | bigint | string | Uint8Array)[]

class NodeStatement {
  readonly #statement: StatementSync
  #isPlucked = false

  constructor(statement: StatementSync) {
    this.#statement = statement
  }

  pluck(): this {
    this.#isPlucked = true
    this.#statement.setReturnArrays(true)
    return this
  }

  run(...values: Parameters): unknown {
    return named(() => this.#statement.run(...values))
  }

  get(...values: Parameters): unknown {
    const row = named(() => this.#statement.get(...values))
    return row === undefined ? undefined : this.#shown(row)
  }

  all(...values: Parameters): unknown[] {
    return named(() => this.#statement.all(...values)).map((row) => this.#shown(row))
  }

  *iterate(...values: Parameters): Generator<unknown> {
    const rows = named(() => this.#statement.iterate(...values))
    for (let next = named(() => rows.next()); next.done !== true; next = named(() => rows.next())) {
      yield this.#shown(next.value)
    }
  }

  #shown(row: unknown): unknown {
    const fields = row as Record<string, unknown>
    if (this.#isPlucked) return asBuffer(fields[0])
    for (const name in fields) fields[name] = asBuffer(fields[name])
    return fields
  }
}

function asBuffer(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value
}

/** Gives an error the name that better-sqlite3 gives it. */
function named<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { code, errcode } = error as { code?: string; errcode?: number }
    if (code === 'ERR_INVALID_STATE')
      throw new TypeError('The database connection is not open', { cause: error })
    if (errcode !== undefined) {
      const name = errcode === IOERR_WRITE ? 'SQLITE_IOERR_WRITE' : (CODES[errcode & 0xff] ?? 'SQLITE_ERROR')
      Object.assign(error as Error, { code: name })
    }
    throw error
  }
}
