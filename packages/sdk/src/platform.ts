import type { Spool, SpoolHead } from './spool.ts'

/** What an open run does when its process ends by itself or is told to. */
export interface ExitWatcher {
  /** Nothing is left to do: the process would end now. */
  onIdle(hasFailed: boolean): void
  /** Asked to stop (SIGTERM, SIGINT); the process ends when this resolves. */
  onSignal(): Promise<unknown>
  /** Somebody else decides about the signal: only send what there is. */
  onForeignSignal(): void
  /** The last moment: nothing asynchronous happens any more. */
  onExit(hasFailed: boolean): void
}

/** What differs between Node and a browser. */
export interface Platform {
  readonly env: (name: string) => string | undefined
  readonly fetch: typeof fetch
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** In [0, 1). */
  readonly random: () => number
  readonly warn: (line: string) => void
  readonly say: (line: string) => void
  /** `undefined` where there is no file system. */
  readonly openSpool:
    ((folder: string | undefined, head: Omit<SpoolHead, 'pid' | 'host'>) => Spool) | undefined
  /** Sends what earlier processes left in the spool for this server. Never rejects. */
  readonly sendLeftovers: (
    folder: string | undefined,
    url: string,
    token: string | undefined,
  ) => Promise<void>
  /** Sends a spool file at the very end of the process, waiting for a few seconds at the most. */
  readonly sendAtExit: (path: string, url: string, token: string | undefined) => void
  /** Returns its own undo. */
  readonly watchExit: (watcher: ExitWatcher) => () => void
}
