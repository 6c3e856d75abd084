import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * Options of NODE_OPTIONS that decide how servers are reached. All others are left out, because a program that they preload
 * (`--import`, `--require`) would run again in each of our threads, and one that calls `init` would start a thread in each.
 */
const REACH =
  /(?<=^|\s)--(?:dns-|network-family-|tls-m|max-http-header-size|insecure-http-parser)\S*(?:\s+[^\s-]\S*)?/g

/** Starts a thread of ours, with none of the program's own preloads. Throws if that is impossible. */
export function startWorker(program: string, options: WorkerOptions): Worker {
  const { NODE_OPTIONS, ...env } = process.env
  const reach = NODE_OPTIONS?.match(REACH)?.join(' ')
  const clean = { ...options, execArgv: [] }
  if (reach !== undefined) {
    try {
      return new Worker(program, { ...clean, env: { ...env, NODE_OPTIONS: reach } })
    } catch {
      // an option that this version of Node takes for the whole process only
    }
  }
  return new Worker(program, { ...clean, env })
}
