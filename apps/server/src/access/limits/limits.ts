/** Limits of one client on a shared server. */
export interface Limits {
  /** Requests a second of one token; of one address, `ADDRESS_SHARE` times as many. */
  readonly maxRequests: number
  /** Points a second of one run, on average; `BURST` seconds' worth at once. */
  readonly maxPoints: number
  /** Bytes a second of one token's bodies, unpacked, on average; `BURST` seconds' worth at once. */
  readonly maxBytes: number
  /** Runs of one project. */
  readonly maxRuns: number
  /** Metrics and layers of all runs of one project. */
  readonly maxSeries: number
  /** Connections of one address, and sockets of one token. */
  readonly maxConnections: number
}

/** A lab's jobs share an address more often than a token. */
export const ADDRESS_SHARE = 5
/** A trainer that was offline catches up: it may send this many seconds' worth at once. */
export const BURST = 10
