import pg from 'pg'
import { StoreUnavailable } from '../store.ts'
import { addressesOf } from '../database-addresses.ts'
import { asUnavailable, isEndOfConnection, isTransient, READ_ONLY } from './errors.ts'
import { Pulse } from './pulse.ts'

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
/** How long to wait for a new connection, and for a statement's answer. */
const CONNECT_TIMEOUT_MS = 6_000
const ANSWER_TIMEOUT_MS = 15_000
/** A transaction whose next statement does not arrive is undone after so long: else a network that was cut keeps its locks. */
const IDLE_TIMEOUT_MS = 5_000
/** After so long without traffic, the system finds out whether the other side is there. */
const KEEP_ALIVE_MS = 10_000
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

/**
 * A pool of connections to one database, which several servers may hold: the one that may be written is used. Every method
 * rejects with `StoreUnavailable` where the database cannot be used now.
 */
export class Database implements Statements {
  readonly #addresses: readonly string[]
  readonly #name: string | undefined
  readonly #pulse: Pulse
  /** Connections on which statements are under way. */
  readonly #used = new Set<pg.PoolClient>()
  /** Which of the addresses is in use. */
  #at = 0
  #pool: pg.Pool
  #isClosed = false

  /** `name` is what the database calls its connections; that of a server is the default. */
  constructor(url: string, name?: string) {
    this.#addresses = addressesOf(url)
    this.#name = name
    this.#pool = this.#newPool()
    this.#pulse = new Pulse({
      settings: () => settingsOf(this.address, name),
      onSilence: (isFirst) => {
        if (isFirst) this.#startOver()
        this.#leave(this.#at)
      },
    })
  }

  /** The address of the server in use. */
  get address(): string {
    return this.#addresses[this.#at] as string
  }

  #newPool(): pg.Pool {
    const settings = () => settingsOf(this.address, this.#name)
    const pool = new pg.Pool({
      ...settings(),
      // each new connection goes to the server that is in use then
      Client: class extends pg.Client {
        constructor(config?: pg.ClientConfig) {
          super({ ...config, ...settings() })
        }
      },
      max: CONNECTIONS,
      // it counts the wait for a connection that others use, too
      connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
      idleTimeoutMillis: 60_000,
      onConnect: (client) => prepare(client, this.#addresses.length > 1),
    })
    // an idle connection that is lost: the next statement opens another, or says why it cannot
    pool.on('error', () => undefined)
    pool.on('connect', (client) => client.on('error', () => undefined))
    return pool
  }

  /** Gives up every connection: what waits for an answer is rejected. */
  #startOver(): void {
    const former = this.#pool
    this.#pool = this.#newPool()
    for (const client of this.#used) void client.end()
    void former.end().catch(() => undefined)
  }

  /** The next connections go to the next server, unless they already do. */
  #leave(at: number): void {
    if (this.#at === at) this.#at = (at + 1) % this.#addresses.length
  }

  all = <T>(sql: string, ...values: Value[]): Promise<T[]> => this.#ask((on) => on.all<T>(sql, ...values))
  get = <T>(sql: string, ...values: Value[]): Promise<T | undefined> =>
    this.#ask((on) => on.get<T>(sql, ...values))
  run = (sql: string, ...values: Value[]): Promise<number> => this.#ask((on) => on.run(sql, ...values))

  async #ask<T>(work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#retried(() => this.#onConnection((client) => work(statementsOn(client))))
  }

  /** Does work in one transaction, which is undone when it throws. Work that meets a deadlock is done again. */
  transaction<T>(work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#retried(() =>
      this.#onConnection(async (client) => {
        await client.query('begin')
        try {
          const value = await work(statementsOn(client))
          await client.query('commit')
          return value
        } catch (error) {
          // the database itself undoes what a lost connection has begun
          if (!isEndOfConnection(error)) await client.query('rollback')
          throw error
        }
      }),
    )
  }

  async #onConnection<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const watched = this.#pulse.watch()
    try {
      const client = await this.#connect()
      this.#used.add(client)
      let isSound = true
      try {
        return await work(client)
      } catch (error) {
        isSound = !isEndOfConnection(error)
        throw error
      } finally {
        this.#used.delete(client)
        client.release(!isSound)
      }
    } finally {
      watched()
    }
  }

  /** A connection to the first server that takes one, and that may be written where there are several. */
  async #connect(): Promise<pg.PoolClient> {
    for (let tries = 1; ; tries++) {
      this.#pulse.check()
      const at = this.#at
      try {
        return await this.#pool.connect()
      } catch (error) {
        this.#leave(at)
        if (tries >= this.#addresses.length) throw error
      }
    }
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
    this.#pulse.stop()
    return this.#pool.end()
  }
}

/**
 * What was acknowledged survives a power cut, whatever the database's default, and what nobody waits for any more ends.
 * Awaited before a connection is used. With `isToWrite`, rejects a server that may only be read.
 */
async function prepare(client: pg.ClientBase, isToWrite: boolean): Promise<void> {
  const { rows } = await client.query<{ read_only: string }>(
    `select current_setting('transaction_read_only') as read_only,
       case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', false) end,
       set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $2, false)`,
    [String(ANSWER_TIMEOUT_MS), String(IDLE_TIMEOUT_MS)],
  )
  if (isToWrite && rows[0]?.read_only === 'on') throw new StoreUnavailable(READ_ONLY)
}

/** How every connection to the database is made. */
export const settingsOf = (url: string, name = 'normwatch'): pg.ClientConfig => ({
  connectionString: url,
  application_name: name,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  query_timeout: ANSWER_TIMEOUT_MS,
  keepAlive: true,
  keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
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
