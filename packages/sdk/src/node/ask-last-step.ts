import { spawnSync } from 'node:child_process'
import { readErrorReply } from '../error-reply.ts'
import { socketOf } from '../server-address.ts'
import type { RunThere } from './list-spool-files.ts'

const ANSWER_TIMEOUT_MS = 5_000
const PROCESS_TIMEOUT_MS = 10_000

/** `init` is synchronous and must know the first step, so it waits for a child process that sends the request. */
const PROGRAM = `
import { request } from 'node:http'
const { NORMWATCH_ASK: address, NORMWATCH_ASK_SOCKET: socketPath, NORMWATCH_TOKEN: token } = process.env
const headers = token === undefined ? {} : { authorization: 'Bearer ' + token }
const signal = AbortSignal.timeout(${ANSWER_TIMEOUT_MS})
const say = (status, body) => process.stdout.write(JSON.stringify({ status, body }))
if (socketPath === undefined) {
  const response = await fetch(address, { headers, redirect: 'manual', signal })
  say(response.status, await response.json())
} else {
  const asked = request({ socketPath, path: address, headers: { host: 'localhost', ...headers }, signal })
  asked.on('response', async (reply) => say(reply.statusCode, JSON.parse((await reply.toArray()).join(''))))
  asked.on('error', () => process.exit(1)).end()
}`

/** The last step of a run, -1 if it has no steps. `undefined` if the server does not answer. Never throws. */
export function askLastStep({ url, run }: RunThere, token: string | undefined): number | undefined {
  const address = `${url}/api/v1/runs/${run}`
  const where = socketOf(address)
  const env: NodeJS.ProcessEnv = { ...process.env, NORMWATCH_ASK: where?.path ?? address }
  if (where !== undefined) env['NORMWATCH_ASK_SOCKET'] = where.socketPath
  if (token === undefined) delete env['NORMWATCH_TOKEN']
  else env['NORMWATCH_TOKEN'] = token
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PROCESS_TIMEOUT_MS,
  })
  return status === 0 && stdout !== '' ? readLastStep(stdout) : undefined
}

function readLastStep(answer: string): number | undefined {
  const { status, body } = JSON.parse(answer) as { status: number; body: Record<string, unknown> | null }
  if (status === 404 && readErrorReply(body)?.code === 'run_not_found') return -1
  const last = body?.['last_step']
  if (status !== 200 || (last !== null && !Number.isInteger(last))) return undefined
  return (last as number | null) ?? -1
}
