import type { ExitWatcher } from '../platform.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

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
  if (process.listenerCount(signal) > 1) {
    for (const watcher of watchers) watcher.onForeignSignal()
    return
  }
  void Promise.all([...watchers].map((watcher) => watcher.onSignal())).then(() =>
    process.kill(process.pid, signal),
  )
}
