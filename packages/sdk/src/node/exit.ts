import type { ExitWatcher } from '../platform.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Watches the end of this process for one run; returns its own undo. A signal for which nobody else listens still ends
 * the process by that signal, once the run is finished; where somebody else listens, they decide.
 */
export function watchExit(watcher: ExitWatcher): () => void {
  const hasFailed = () => process.exitCode !== undefined && Number(process.exitCode) !== 0
  const onIdle = () => watcher.onIdle(hasFailed())
  const onExit = (code: number) => watcher.onExit(code !== 0)
  const onSignal = (signal: NodeJS.Signals) => {
    if (process.listenerCount(signal) > ownListeners(signal)) return watcher.onForeignSignal()
    void watcher.onSignal().finally(() => {
      if (ownListeners(signal) === 0) process.kill(process.pid, signal)
    })
  }
  ours.add(onSignal)
  process.on('beforeExit', onIdle)
  process.on('exit', onExit)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return () => {
    process.off('beforeExit', onIdle)
    process.off('exit', onExit)
    for (const signal of SIGNALS) process.off(signal, onSignal)
    ours.delete(onSignal)
  }
}

/** The signal listeners of every open run. */
const ours = new Set<unknown>()

function ownListeners(signal: NodeJS.Signals): number {
  return process.listeners(signal).filter((listener) => ours.has(listener)).length
}
