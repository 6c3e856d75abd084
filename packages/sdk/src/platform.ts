import type { Background, Job, Warn } from './background.ts'
import type { OwnServer } from './node/own-server.ts'
import type { Settings } from './settings.ts'
import type { Spool, SpoolHead } from './spool.ts'
import type { RunStatus } from './types.ts'

/** What an open run does when its process ends. */
export interface ExitWatcher {
  /** Nothing is left to do: the process would end now. */
  onIdle(hasFailed: boolean): void
  /** Asked to stop by a signal; the process ends when this resolves. */
  onSignal(status: RunStatus): Promise<unknown>
  /** Somebody else decides about the signal: only send what there is. */
  onForeignSignal(): void
  /** The process exits now: nothing asynchronous can run any more. */
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
  /** This user's server, where the platform can find it; `warn` is given why a description of one is not believed. */
  readonly ownServer: (warn: (sentence: string) => void) => OwnServer | undefined
  /** The id of another user who listens on an address of this machine, where the platform knows it. */
  readonly otherUserOn: (url: string) => number | undefined
  /** `undefined` where there is no file system. */
  readonly openSpool:
    ((folder: string | undefined, head: Omit<SpoolHead, 'pid' | 'host'>) => Spool) | undefined
  /** Sends what earlier processes of other runs left in the spool for this server. Never rejects. */
  readonly sendLeftovers: (settings: Settings) => Promise<void>
  /**
   * A background on a thread of its own; `undefined` where it must share the caller's. If the thread dies, it goes
   * on with the one that `makeOther` makes.
   */
  readonly startThread:
    | ((
        job: Job,
        spool: Spool | undefined,
        warn: Warn,
        makeOther: () => Background,
      ) => Background | undefined)
    | undefined
  /**
   * The last step of the run that the server has or the spool holds, -1 when it has none; `undefined` when the server does
   * not say. Waits for some seconds at the most.
   */
  readonly lastStep: ((settings: Settings) => number | undefined) | undefined
  /** Returns its own undo. */
  readonly watchExit: (watcher: ExitWatcher) => () => void
}
