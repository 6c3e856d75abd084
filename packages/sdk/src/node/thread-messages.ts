import type { MessagePort } from 'node:worker_threads'
import type { Job, SendReport } from '../background.ts'
import type { Batch } from '../chunk.ts'
import type { RunNews } from '../outbox-item.ts'
import type { SpoolHead } from '../spool.ts'

/** The data that a background's thread is started with. */
export interface ThreadData {
  readonly version: number
  readonly job: Job
  readonly spool: { readonly path: string; readonly head: SpoolHead }
  readonly port: MessagePort
  /** Signals that the caller's thread blocks on with `Atomics.wait`. Each is 0 until it is set to 1. */
  readonly signals: Int32Array
  /** Spool files of the caller's runs that have ended: the thread may send them first. */
  readonly unused: readonly string[]
  /** Memory of the tally. It is shared, so the counts survive if the thread dies. */
  readonly tally: SharedArrayBuffer
}

/**
 * Changes with the messages. A bundle may start the thread's program of another version: webpack keeps the path to the one that was
 * installed when it ran.
 */
export const MESSAGES_VERSION = 1

/** Signals of the thread, by their place: it has started to receive calls, and it has handled a `leave`. */
export const IS_UP = 0
export const HAS_LEFT = 1

export type ToThread =
  | { readonly kind: 'add'; readonly body: Batch | RunNews }
  | { readonly kind: 'flush' | 'finish'; readonly call: number; readonly timeoutMs: number }
  | { readonly kind: 'leave'; readonly timeoutMs: number }

export type FromThread =
  | { readonly kind: 'warn'; readonly about: string; readonly sentence: string }
  | { readonly kind: 'flushed'; readonly call: number; readonly isAll: boolean }
  | { readonly kind: 'finished'; readonly call: number; readonly report: SendReport }
