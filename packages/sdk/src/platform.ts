import type { Background, Job, Warn } from './background.ts'
import type { OwnServer } from './node/own-server.ts'
import type { Settings } from './settings.ts'
import type { Spool, SpoolHead } from './spool.ts'
import type { RunStatus } from './types.ts'

/** What an open run does when its process ends. */
export interface ExitWatcher {
  /** The event loop is empty: the process is about to end. */
  onIdle(hasFailed: boolean): void
  /** A signal asks the process to stop. It ends when this resolves. */
  onSignal(status: RunStatus): Promise<unknown>
  /** The program handles the signal itself: only send what there is. */
  onForeignSignal(): void
  /** The process exits now. Nothing asynchronous can run any more. */
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
  /** This user's server, if the platform can find it. `warn` is called with the reason if a server file is not trusted. */
  readonly ownServer: (warn: (sentence: string) => void) => OwnServer | undefined
  /** The id of another user who listens on an address of this machine, if the platform can tell. */
  readonly otherUserOn: (url: string) => number | undefined
  /** `undefined` if there is no file system. */
  readonly openSpool:
    ((folder: string | undefined, head: Omit<SpoolHead, 'pid' | 'host'>) => Spool) | undefined
  /** Sends what earlier processes of other runs left in the spool for this server. Never rejects. */
  readonly sendLeftovers: (settings: Settings) => Promise<void>
  /**
   * A background on its own thread. `undefined` if it must share the caller's thread. If the thread dies, the background
   * that `makeOther` creates takes over.
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
   * The last step of the run on the server or in the spool, -1 if there is none. `undefined` if the server does not answer
   * within some seconds.
   */
  readonly lastStep: ((settings: Settings) => number | undefined) | undefined
  /** Returns a function that stops watching. */
  readonly watchExit: (watcher: ExitWatcher) => () => void
}
