import { startRun } from './init.ts'
import type { Platform } from './platform.ts'
import type { InitOptions, Run } from './types.ts'

export { clipByGlobalNorm, clipByValue, globalNorm, type ClippedByValue, type GradientArray } from './clip.ts'
export type * from './types.ts'

/** A page or a worker; the latter is never hidden. */
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
 * Starts to record a run and returns at once; the server may be away. Options come from the call alone: a page has no
 * environment, and no spool. An option that cannot be used is a warning and is left out (`strict`: a `TypeError`).
 */
export function init(options: InitOptions = {}): Run {
  return startRun(options, platform)
}
