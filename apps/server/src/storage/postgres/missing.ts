import type { Value } from './database.ts'

/** Asks for rows of the run as it is at the version that was loaded. `$run` stands for its id, other parameters are `?`. */
export type Fetch = <T>(sql: string, ...values: Value[]) => Promise<T[]>

/** A unit needs rows that have not been fetched: it is undone, they are fetched, and it starts over. */
export class Missing extends Error {
  override readonly name = 'Missing'
  readonly fetch: (fetch: Fetch) => Promise<void>
  constructor(fetch: (fetch: Fetch) => Promise<void>) {
    super('Rows have not been fetched.')
    this.fetch = fetch
  }
}
