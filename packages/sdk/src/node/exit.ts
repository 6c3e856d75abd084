import type { ExitWatcher } from '../platform.ts'
import type { RunStatus } from '../types.ts'

/** Those that end a process that does not handle them, and that somebody sends on purpose (nodemon: SIGUSR2). */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGXCPU'] as const

/** The open runs of this process. */
const watchers = new Set<ExitWatcher>()

/**
 * Watches the end of this process for one run; returns its own undo. A signal for which nobody else listens still ends
 * the process by that signal, once every run is finished; where somebody else listens, they decide.
 */
export function watchExit(watcher: ExitWatcher): () => void {
  if (watchers.size === 0) listen()
  watchers.add(watcher)
  return () => {
    watchers.delete(watcher)
    if (watchers.size === 0) stopListening()
  }
}

function listen(): void {
  process.on('beforeExit', onIdle).on('exit', onExit)
  // before all others: one that was added by `once` is gone by the time that a later one looks for it
  for (const signal of SIGNALS) process.prependListener(signal, onSignal)
}

function stopListening(): void {
  process.off('beforeExit', onIdle).off('exit', onExit)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

function onIdle(): void {
  const hasFailed = process.exitCode !== undefined && Number(process.exitCode) !== 0
  for (const watcher of watchers) watcher.onIdle(hasFailed)
}

function onExit(code: number): void {
  for (const watcher of watchers) watcher.onExit(code !== 0)
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

/** A job that its scheduler stops, to run it again later, has not failed. */
function statusAfter(signal: NodeJS.Signals): RunStatus {
  return signal === 'SIGTERM' && process.env['SLURM_JOB_ID'] !== undefined ? 'preempted' : 'failed'
}

/**
 * The listeners of `signal-exit`, which half of all command-line tools bring along: they end the process only when no
 * other listener is there, as ours do, so each would wait for the other for ever. Version 3 counts them in public on
 * `process`, version 4 on the global object.
 */
function deferringListeners(): number {
  const { __signal_exit_emitter__: third } = process as { __signal_exit_emitter__?: { count?: unknown } }
  const fourth = (globalThis as Record<symbol, { count?: unknown } | undefined>)[
    Symbol.for('signal-exit emitter')
  ]
  const counts = [third?.count, fourth?.count]
  return counts.reduce<number>((sum, count) => sum + (typeof count === 'number' ? count : 0), 0)
}
