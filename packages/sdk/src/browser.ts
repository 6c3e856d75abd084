import { startRun } from './init.ts'
import type { Platform } from './platform.ts'
import type { InitOptions, Run } from './types.ts'

export { clipByGlobalNorm, clipByValue, globalNorm, type ClippedByValue, type GradientArray } from './clip.ts'
export type * from './types.ts'

/** The global object of a page or a worker. A worker never fires `pagehide`. */
const page = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>

const platform: Platform = {
  env: () => undefined,
  fetch: (...args) => fetch(...args),
  ownServer: () => undefined,
  otherUserOn: () => undefined,
  now: Date.now,
  random: Math.random,
  warn: (line) => console.warn(line),
  // eslint-disable-next-line no-console -- the run's address is neither a warning nor an error
  say: (line) => console.info(line),
  openSpool: undefined,
  sendLeftovers: () => Promise.resolve(),
  startThread: undefined,
  lastStep: undefined,
  watchExit({ onForeignSignal }) {
    page.addEventListener?.('pagehide', onForeignSignal)
    return () => page.removeEventListener?.('pagehide', onForeignSignal)
  },
}

/**
 * Starts recording a run and returns at once, even if the server is down. All options come from the call: a page has no
 * environment variables and no spool. An invalid option is ignored with a warning (with `strict`: throws `TypeError`).
 */
export function init(options: InitOptions = {}): Run {
  return startRun(options, platform)
}
