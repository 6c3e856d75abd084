import type { ExitWatcher } from '../platform.ts'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

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
  for (const signal of SIGNALS) process.on(signal, onSignal)
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
  void Promise.all([...watchers].map((watcher) => watcher.onSignal())).then(() => {
    stopListening()
    process.kill(process.pid, signal)
  })
}

/**
 * The listeners of `signal-exit`, which half of all command-line tools bring along: they end the process only when no
 * other listener is there, as ours do, so each would wait for the other for ever. Versions 3 and 4 count them in public.
 */
function deferringListeners(): number {
  const known = process as unknown as Record<string | symbol, { count?: unknown } | undefined>
  const emitters = [known['__signal_exit_emitter__'], known[Symbol.for('signal-exit emitter')]]
  const counts = emitters.map((emitter) => emitter?.count)
  return counts.reduce<number>((sum, count) => sum + (typeof count === 'number' ? count : 0), 0)
}
