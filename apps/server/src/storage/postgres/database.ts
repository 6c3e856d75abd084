import pg from 'pg'
import { StoreUnavailable } from '../store.ts'
import { asUnavailable, isTransient } from './errors.ts'

export type Value = string | number | boolean | null | Uint8Array | readonly (string | number)[]

/** Where statements run: on any connection, or in one transaction. Parameters are `?`. */
export interface Statements {
  all<T>(sql: string, ...values: Value[]): Promise<T[]>
  /** The first row. */
  get<T>(sql: string, ...values: Value[]): Promise<T | undefined>
  /** Gives the count of rows that it changed. */
  run(sql: string, ...values: Value[]): Promise<number>
}

const CONNECTIONS = 10
/** Timeouts for connecting and for a statement's answer: the network may be down. */
const TIMEOUT_MS = 15_000
const MAX_TRIES = 5

const BIGINT = 20
const BIGINTS = 1016
const parsers = pg.types
/** 64-bit integers never exceed 2^53 here. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (oid === BIGINT) return Number
      if (oid === BIGINTS) {
        return (text: string) => (parsers.getTypeParser(BIGINTS as never)(text) as string[]).map(Number)
      }
    }
    return parsers.getTypeParser(oid, format as 'text')
  },
}

const numbered = new Map<string, string>()
/** A statement with `$1`, `$2` … in place of `?`. */
function inNumbers(sql: string): string {
  let text = numbered.get(sql)
  if (text === undefined) {
    let count = 0
    text = sql.replaceAll('?', () => `$${++count}`)
    if (numbered.size < 1_000) numbered.set(sql, text)
  }
  return text
}

/** A pool of connections to one database. Every method rejects with `StoreUnavailable` where the database cannot be used now. */
export class Database implements Statements {
  readonly #pool: pg.Pool
  #isClosed = false

  /** `name` is what the database calls its connections; that of a server is the default. */
  constructor(url: string, name?: string) {
    this.#pool = new pg.Pool({
      ...settingsOf(url, name),
      max: CONNECTIONS,
      idleTimeoutMillis: 60_000,
      onConnect: keepDurable,
    })
    // an idle connection that is lost: the next statement opens another, or says why it cannot
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
  }

  all = <T>(sql: string, ...values: Value[]): Promise<T[]> => this.#ask((on) => on.all<T>(sql, ...values))
  get = <T>(sql: string, ...values: Value[]): Promise<T | undefined> =>
    this.#ask((on) => on.get<T>(sql, ...values))
  run = (sql: string, ...values: Value[]): Promise<number> => this.#ask((on) => on.run(sql, ...values))

  async #ask<T>(work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#retried(() => work(statementsOn(this.#pool)))
  }

  /** Does work in one transaction, which is undone when it throws. Work that meets a deadlock is done again. */
  transaction<T>(work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#retried(async () => {
      const client = await this.#pool.connect()
      let isSound = false
      try {
        await client.query('begin')
        const value = await work(statementsOn(client))
        await client.query('commit')
        isSound = true
        return value
      } catch (error) {
        isSound = await client.query('rollback').then(
          () => true,
          () => false,
        )
        throw error
      } finally {
        client.release(!isSound)
      }
    })
  }

  async #retried<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work()
      } catch (error) {
        if (this.#isClosed) throw new StoreUnavailable('The store is closed.', { cause: error })
        if (!isTransient(error) || tries >= MAX_TRIES) throw asUnavailable(error)
      }
    }
  }

  /** Waits for what is under way. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.#pool.end()
  }
}

/** What was acknowledged survives a power cut, whatever the database's default. Awaited before a connection is used. */
async function keepDurable(client: pg.ClientBase): Promise<void> {
  await client.query(
    `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
  )
}

/** How every connection to the database is made. */
export const settingsOf = (url: string, name = 'normwatch'): pg.ClientConfig => ({
  connectionString: url,
  application_name: name,
  connectionTimeoutMillis: TIMEOUT_MS,
  query_timeout: TIMEOUT_MS,
  keepAlive: true,
  types: types as pg.CustomTypesConfig,
})

/** PostgreSQL's text cannot hold the character 0: its symbol stands in for it. */
export const storable = (value: Value): Value =>
  typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\u2400') : value

function statementsOn(client: Pick<pg.ClientBase, 'query'>): Statements {
  const ask = (sql: string, values: Value[]) => client.query(inNumbers(sql), values.map(storable))
  return {
    all: async <T>(sql: string, ...values: Value[]) => (await ask(sql, values)).rows as T[],
    get: async <T>(sql: string, ...values: Value[]) => (await ask(sql, values)).rows[0] as T | undefined,
    run: async (sql, ...values) => (await ask(sql, values)).rowCount ?? 0,
  }
}
