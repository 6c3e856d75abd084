import type { ExitWatcher } from '../platform.ts'
import type { RunStatus } from '../types.ts'
import { sharedByCopies } from './shared.ts'

/** Signals that end a process by default and that people or tools send on purpose (nodemon sends SIGUSR2). */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGXCPU'] as const

interface Watch {
  /** The open runs of this process. */
  readonly watchers: Set<ExitWatcher>
  /** Removes the listeners of the copy of this package that has them now. */
  stop: () => void
}

const isDeno = 'Deno' in globalThis

/** One set of listeners for all copies of this package: with two, each would take the other's for the program's own. */
const watch = sharedByCopies('exit 1', (): Watch => ({ watchers: new Set(), stop: () => {} }))
const { watchers } = watch

/**
 * Watches the end of this process for one run. Returns a function that stops watching. If the program has no listener of its
 * own for a signal, the signal still ends the process, once every run is finished. Otherwise the program's listener decides.
 */
export function watchExit(watcher: ExitWatcher): () => void {
  if (watchers.size === 0) listen()
  watchers.add(watcher)
  return () => {
    watchers.delete(watcher)
    if (watchers.size === 0) watch.stop()
  }
}

function listen(): void {
  watch.stop = stopListening
  process.on('beforeExit', onIdle).on('exit', onExit)
  if (isDeno) process.on('uncaughtExceptionMonitor', onUncaught)
  // first in the list: a listener added by `once` is removed when it runs, and we must still see it
  for (const signal of SIGNALS) process.prependListener(signal, onSignal)
}

function stopListening(): void {
  process.off('beforeExit', onIdle).off('exit', onExit).off('uncaughtExceptionMonitor', onUncaught)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

function onIdle(): void {
  const hasFailed = process.exitCode !== undefined && Number(process.exitCode) !== 0
  for (const watcher of watchers) watcher.onIdle(hasFailed)
}

function onExit(code: number): void {
  for (const watcher of watchers) watcher.onExit(code !== 0)
}

/** Deno ends a process that throws, or that leaves a rejection unhandled, without the event `exit`. */
function onUncaught(): void {
  if (process.listenerCount('uncaughtException') === 0) onExit(1)
}

function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) - 1 > deferringListeners()) {
    for (const watcher of watchers) watcher.onForeignSignal()
    return
  }
  const status = statusAfter(signal)
  void Promise.all([...watchers].map((watcher) => watcher.onSignal(status))).then(() => {
    stopListening()
    process.kill(process.pid, signal)
  })
}

/** A job that its scheduler stops in order to run it again later has not failed. */
function statusAfter(signal: NodeJS.Signals): RunStatus {
  return signal === 'SIGTERM' && process.env['SLURM_JOB_ID'] !== undefined ? 'preempted' : 'failed'
}

/**
 * The number of listeners of the npm package `signal-exit`, which many command-line tools include. Like ours, they end the
 * process only if there is no other listener, so without this count each would wait for the other. Version 3 keeps the count
 * on `process`, version 4 on the global object.
 */
function deferringListeners(): number {
  const { __signal_exit_emitter__: third } = process as { __signal_exit_emitter__?: { count?: unknown } }
  const fourth = (globalThis as Record<symbol, { count?: unknown } | undefined>)[
    Symbol.for('signal-exit emitter')
  ]
  const counts = [third?.count, fourth?.count]
  return counts.reduce<number>((sum, count) => sum + (typeof count === 'number' ? count : 0), 0)
}
