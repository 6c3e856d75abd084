import type { MessagePort } from 'node:worker_threads'
import type { Job, SendReport } from '../background.ts'
import type { Batch } from '../chunk.ts'
import type { RunNews } from '../outbox-item.ts'
import type { SpoolHead } from '../spool.ts'

/** The data that a background's thread is started with. */
export interface ThreadData {
  readonly job: Job
  readonly spool: { readonly path: string; readonly head: SpoolHead }
  readonly port: MessagePort
  /** One number, set to 1 once a `leave` is handled. The caller's thread blocks on it with `Atomics.wait`. */
  readonly hasLeft: Int32Array
  /** Memory of the tally. It is shared, so the counts survive if the thread dies. */
  readonly tally: SharedArrayBuffer
}

export type ToThread =
  | { readonly kind: 'add'; readonly body: Batch | RunNews }
  | { readonly kind: 'flush' | 'finish'; readonly call: number; readonly timeoutMs: number }
  | { readonly kind: 'leave'; readonly timeoutMs: number }

export type FromThread =
  | { readonly kind: 'warn'; readonly about: string; readonly sentence: string }
  | { readonly kind: 'flushed'; readonly call: number; readonly isAll: boolean }
  | { readonly kind: 'finished'; readonly call: number; readonly report: SendReport }
