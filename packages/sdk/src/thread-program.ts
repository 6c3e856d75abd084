/** The program of a background's thread: runs the background and receives its calls through a port. */
import { workerData } from 'node:worker_threads'
import { LocalBackground } from './background.ts'
import { fetchServer } from './node/fetch-server.ts'
import { SpoolFile } from './node/spool-file.ts'
import {
  HAS_LEFT,
  IS_UP,
  MESSAGES_VERSION,
  type FromThread,
  type ThreadData,
  type ToThread,
} from './node/thread-messages.ts'
import { markUnused } from './node/writers.ts'
import { Tally } from './tally.ts'

const { version, job, spool, port, signals, unused, tally } = workerData as ThreadData
// nothing is lost: the caller's thread sends what a thread that does not start was given
if (version !== MESSAGES_VERSION) throw new Error('the SDK on disk has another version than the program')
const say = (message: FromThread) => port.postMessage(message)
for (const path of unused) markUnused(path)
const background = new LocalBackground({
  job,
  spool: new SpoolFile(spool.path, spool.head),
  fetch: fetchServer,
  now: Date.now,
  random: Math.random,
  warn: (about, sentence) => say({ kind: 'warn', about, sentence }),
  tally: new Tally(tally),
})
// also when the thread dies, so that the caller's thread does not wait for it
process.on('exit', () => signal(HAS_LEFT))

port.on('message', (message: ToThread) => {
  if (message.kind === 'add') background.add(message.body)
  else void answer(message)
})
signal(IS_UP)

async function answer(message: Exclude<ToThread, { kind: 'add' }>): Promise<void> {
  switch (message.kind) {
    case 'flush': {
      const isAll = await background.flush(message.timeoutMs)
      return say({ kind: 'flushed', call: message.call, isAll })
    }
    case 'finish': {
      const report = await background.finish(message.timeoutMs)
      say({ kind: 'finished', call: message.call, report })
      return port.close()
    }
    case 'leave':
      await background.finish(message.timeoutMs)
      signal(HAS_LEFT)
  }
}

function signal(which: number): void {
  Atomics.store(signals, which, 1)
  Atomics.notify(signals, which)
}
