import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { readErrorReply } from '../error-reply.ts'
import { socketOf } from '../server-address.ts'
import type { RunThere } from './list-spool-files.ts'
import { startWorker } from './worker.ts'

const ANSWER_TIMEOUT_MS = 5_000
const THREAD_TIMEOUT_MS = 10_000

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown> | null
}

/**
 * `init` is synchronous and must know the first step, so it blocks while a thread sends the request. The thread is not a child
 * process, which could be a copy of the training: `process.execPath` of a program built into one executable is that program.
 */
const PROGRAM = `
const { workerData } = require('node:worker_threads')
const { path, socketPath, token, port, isDone } = workerData
const headers = token === undefined ? {} : { authorization: 'Bearer ' + token }
const signal = AbortSignal.timeout(${ANSWER_TIMEOUT_MS})
process.on('exit', () => {
  Atomics.store(isDone, 0, 1)
  Atomics.notify(isDone, 0)
})
const say = (status, body) => {
  port.postMessage({ status, body })
  process.exit()
}
if (socketPath === undefined) {
  fetch(path, { headers, redirect: 'manual', signal })
    .then(async (reply) => say(reply.status, await reply.json()))
    .catch(() => process.exit())
} else {
  const asked = require('node:http').request({ socketPath, path, headers: { host: 'localhost', ...headers }, signal })
  asked.on('error', () => process.exit()).on('response', (reply) => {
    reply.toArray().then((parts) => say(reply.statusCode, JSON.parse(parts.join('')))).catch(() => process.exit())
  })
  asked.end()
}`

/** The last step of a run, -1 if it has no steps. `undefined` if the server does not answer. Never throws. */
export function askLastStep({ url, run }: RunThere, token: string | undefined): number | undefined {
  const address = `${url}/api/v1/runs/${run}`
  const where = socketOf(address) ?? { path: address }
  const isDone = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  try {
    process.cwd() // throws if the folder was removed, and a thread would die of that
    const workerData = { ...where, token, port: port2, isDone }
    const thread = startWorker(PROGRAM, { eval: true, workerData, transferList: [port2] })
    thread.on('error', () => {}).unref()
    Atomics.wait(isDone, 0, 0, THREAD_TIMEOUT_MS)
    void thread.terminate()
    const answer = receiveMessageOnPort(port1)?.message as Answer | undefined
    return answer && readLastStep(answer)
  } catch {
    return undefined // no permission for threads, or none left
  } finally {
    port1.close()
  }
}

function readLastStep({ status, body }: Answer): number | undefined {
  if (status === 404 && readErrorReply(body)?.code === 'run_not_found') return -1
  const last = body?.['last_step']
  if (status !== 200 || (last !== null && !Number.isInteger(last))) return undefined
  return (last as number | null) ?? -1
}
