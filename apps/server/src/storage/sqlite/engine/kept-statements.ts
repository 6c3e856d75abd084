import type { Database } from './database.ts'

type Value = string | number
type Statement<Row> = ReturnType<Database['prepare']> & { all(...values: Value[]): Row[] }

/** Texts of lists whose statements are kept. */
const MAX_KEPT = 32

/** Statements that are made of what a list filters and orders by: preparing one takes as long as reading a page. */
export class KeptStatements {
  readonly #db: Database
  /** By their text, the one used last at the end. */
  readonly #kept = new Map<string, Statement<unknown>>()

  constructor(db: Database) {
    this.#db = db
  }

  all<Row>(sql: string, values: readonly Value[] = []): Row[] {
    const statement = (this.#kept.get(sql) ?? this.#db.prepare(sql)) as Statement<Row>
    this.#kept.delete(sql)
    this.#kept.set(sql, statement)
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value as string)
    return statement.all(...values)
  }
}
