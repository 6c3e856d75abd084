import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { StoreUnavailable } from '../store.ts'
import { addressesOf } from '../database-addresses.ts'
import { asUnavailable, isEndOfConnection, isTransient, READ_ONLY } from './errors.ts'
import { Pulse } from './pulse.ts'
import { unserved, type Connection, type Use } from './uses.ts'

export type Value = string | number | boolean | null | Uint8Array | readonly (string | number)[]

/** A statement that each connection parses and plans only once, under its name. For those that run all the time. */
export interface Prepared {
  readonly name: string
  readonly sql: string
}

/** Where statements run: on any connection, or in one transaction. Parameters are `?`. */
export interface Statements {
  all<T>(sql: string | Prepared, ...values: Value[]): Promise<T[]>
  /** The first row. */
  get<T>(sql: string | Prepared, ...values: Value[]): Promise<T | undefined>
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
/** How long work waits for a connection, and the database for a statement, until the network has lost what was sent. */
const LOST_AFTER_MS = 1_000

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
  readonly #uses = new Set<Use>()
  /** Statements that take as long as they need. */
  readonly #longUses = new Set<Use>()
  readonly #connections = new WeakMap<pg.ClientBase, Connection>()
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
      address: () => this.address,
      settings: (address) => settingsOf(address, name),
      onAnswer: (client, address) => this.#giveUpLost(client, address),
      onSilence: (address, isFirst) => {
        if (isFirst) this.#startOver(this.#uses)
        this.#leave(this.#addresses.indexOf(address))
      },
    })
  }

  /** The address of the server in use. */
  get address(): string {
    return this.#addresses[this.#at] as string
  }

  #newPool(): pg.Pool {
    const settings = () => settingsOf(this.address, this.#name)
    const sockets = new WeakMap<pg.ClientBase, Socket>()
    const pool = new pg.Pool({
      ...settings(),
      // each new connection goes to the server that is in use then
      Client: class extends pg.Client {
        constructor(config?: pg.ClientConfig) {
          const socket = new Socket()
          super({ ...config, ...settings(), stream: () => socket })
          sockets.set(this, socket)
        }
      },
      max: CONNECTIONS,
      // it counts the wait for a connection that others use, too
      connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
      idleTimeoutMillis: 60_000,
      onConnect: async (client) => {
        const process = await prepare(client, this.#addresses.length > 1)
        this.#connections.set(client, { process, socket: sockets.get(client) as Socket })
      },
    })
    // an idle connection that is lost: the next statement opens another, or says why it cannot
    pool.on('error', () => undefined)
    pool.on('connect', (client) => client.on('error', () => undefined))
    return pool
  }

  /**
   * Uses new connections from now on. The given uses are given up: what waits for an answer is rejected, what waits for a
   * connection gets one of the new ones. Other statements go on.
   */
  #startOver(uses: Iterable<Use>): void {
    const former = this.#pool
    this.#pool = this.#newPool()
    for (const { client } of uses) void client?.end()
    for (const { connectAgain } of this.#uses) connectAgain?.()
    void former.end().catch(() => undefined)
  }

  /** Starts over where the network has lost connections, of which nobody was told. `client` is a new one, which was not. */
  async #giveUpLost(client: pg.Client, address: string): Promise<void> {
    const all = () => [...this.#uses, ...this.#longUses]
    const look = () =>
      unserved(
        client,
        all().filter((use) => use.address === address),
        (used) => this.#connections.get(used),
      )
    const before = await look()
    if (before.size === 0) return
    await pause(LOST_AFTER_MS, undefined, { ref: false })
    const now = await look()
    const still = new Set(all())
    const lost = [...now].flatMap(([use, sign]) => (still.has(use) && before.get(use) === sign ? [use] : []))
    if (lost.length > 0) this.#startOver(lost)
  }

  /** The next connections go to the next server, unless they already do. */
  #leave(at: number): void {
    if (this.#at === at) this.#at = (at + 1) % this.#addresses.length
  }

  all = <T>(sql: string | Prepared, ...values: Value[]): Promise<T[]> =>
    this.#ask((on) => on.all<T>(sql, ...values))
  get = <T>(sql: string | Prepared, ...values: Value[]): Promise<T | undefined> =>
    this.#ask((on) => on.get<T>(sql, ...values))
  run = (sql: string, ...values: Value[]): Promise<number> => this.#ask((on) => on.run(sql, ...values))

  /** Calls a procedure by a statement that holds its values, outside of a transaction. Gives its results. */
  call<T extends object>(statement: string): Promise<T> {
    return this.#retried(() =>
      this.#onConnection(async (client) => (await client.query<T>(statement)).rows[0] as T),
    )
  }

  async #ask<T>(work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#retried(() => this.#onConnection((client) => work(statementsOn(client))))
  }

  /** Does work in one transaction, which is undone when it throws. Work that meets a deadlock is done again. */
  transaction<T>(work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#retried(() => this.#onConnection((client) => inTransaction(client, work)))
  }

  /**
   * The same on a connection of its own, where statements take as long as they need: one is given up only where the network has
   * lost its connection.
   */
  unhurried<T>(work: (on: Statements) => Promise<T>): Promise<T> {
    return this.#retried(async () => {
      const address = this.address
      const socket = new Socket()
      const settings = { ...settingsOf(address, this.#name), query_timeout: 0, stream: () => socket }
      const client = new pg.Client(settings)
      // while it is idle, too: the next statement says that it is lost
      client.on('error', () => undefined)
      try {
        await client.connect()
        const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
        this.#connections.set(client, { process: (rows[0] as { pid: number }).pid, socket })
        return await inTransaction(this.#watched(client, socket, address), work)
      } finally {
        await client.end()
      }
    })
  }

  /** A connection whose statements are known as long work while they are under way. */
  #watched(client: pg.Client, socket: Socket, address: string): Asked {
    const query = async (statement: string | pg.QueryConfig, values?: unknown[]) => {
      const answered = this.#pulse.watch()
      const use: Use = { address, client, since: performance.now(), sentBefore: socket.bytesWritten }
      this.#longUses.add(use)
      try {
        return await client.query(statement, values)
      } finally {
        this.#longUses.delete(use)
        answered()
      }
    }
    return { query: query as Asked['query'] }
  }

  async #onConnection<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const watched = this.#pulse.watch()
    const use: Use = { address: this.address }
    this.#uses.add(use)
    try {
      const client = await this.#connect(use)
      let isSound = true
      try {
        return await work(client)
      } catch (error) {
        isSound = !isEndOfConnection(error)
        throw error
      } finally {
        client.release(!isSound)
      }
    } finally {
      this.#uses.delete(use)
      watched()
    }
  }

  /** A connection to the first server that takes one, and that may be written where there are several. */
  async #connect(use: Use): Promise<pg.PoolClient> {
    for (let tries = 1; ;) {
      this.#pulse.check()
      const at = this.#at
      use.address = this.address
      try {
        const client = await this.#connectionFor(use)
        if (client === undefined) continue
        use.client = client
        use.since = performance.now()
        use.sentBefore = this.#connections.get(client)?.socket.bytesWritten ?? 0
        return client
      } catch (error) {
        this.#leave(at)
        if (tries++ >= this.#addresses.length) throw error
      }
    }
  }

  /** A connection of the pool of now; `undefined` where the pool is given up before there is one. */
  #connectionFor(use: Use): Promise<pg.PoolClient | undefined> {
    return new Promise((resolve, reject) => {
      const pool = (use.pool = this.#pool)
      use.connectAgain = () => resolve(undefined)
      const connected = (client: pg.PoolClient) => {
        if (this.#pool !== pool) return client.release(true)
        use.connectAgain = undefined
        resolve(client)
      }
      pool.connect().then(connected, reject)
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
    this.#pulse.stop()
    return this.#pool.end()
  }
}

/** What statements are sent to. */
type Asked = Pick<pg.ClientBase, 'query'>

async function inTransaction<T>(client: Asked, work: (on: Statements) => Promise<T>): Promise<T> {
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
}

/**
 * What was acknowledged survives a power cut, whatever the database's default, and what nobody waits for any more ends.
 * Awaited before a connection is used. With `isToWrite`, rejects a server that may only be read. Gives the number of the
 * process that serves the connection.
 */
async function prepare(client: pg.ClientBase, isToWrite: boolean): Promise<number> {
  const { rows } = await client.query<{ read_only: string; pid: number }>(
    `select current_setting('transaction_read_only') as read_only, pg_backend_pid() as pid,
       case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', false) end,
       set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $2, false)`,
    [String(ANSWER_TIMEOUT_MS), String(IDLE_TIMEOUT_MS)],
  )
  const { read_only, pid } = rows[0] as (typeof rows)[0]
  if (isToWrite && read_only === 'on') throw new StoreUnavailable(READ_ONLY)
  return pid
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
export function storable(value: Value): Value {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\u2400') : value
  // the driver escapes each element, as if it were text
  if (Array.isArray(value) && value.every((element) => typeof element === 'number'))
    return `{${value.join()}}`
  return value
}

function statementsOn(client: Asked): Statements {
  const ask = (sql: string | Prepared, values: Value[]) =>
    typeof sql === 'string'
      ? client.query(inNumbers(sql), values.map(storable))
      : client.query({ name: sql.name, text: inNumbers(sql.sql), values: values.map(storable) })
  return {
    all: async <T>(sql: string | Prepared, ...values: Value[]) => (await ask(sql, values)).rows as T[],
    get: async <T>(sql: string | Prepared, ...values: Value[]) =>
      (await ask(sql, values)).rows[0] as T | undefined,
    run: async (sql, ...values) => (await ask(sql, values)).rowCount ?? 0,
  }
}
