import { spawnSync } from 'node:child_process'
import type { RunThere } from './list-spool-files.ts'

const ANSWER_TIMEOUT_MS = 5_000
const PROCESS_TIMEOUT_MS = 10_000

/** `init` returns a run at once and its steps are counted from its first `log`: another process asks, and is waited for. */
const PROGRAM = `
const { NORMWATCH_ASK: address, NORMWATCH_TOKEN: token } = process.env
const headers = token === undefined ? {} : { authorization: 'Bearer ' + token }
const response = await fetch(address, { headers, redirect: 'manual', signal: AbortSignal.timeout(${ANSWER_TIMEOUT_MS}) })
process.stdout.write(JSON.stringify({ status: response.status, body: await response.json() }))`

/** The last step of a run, -1 when it has none; `undefined` when the server does not say. Never throws. */
export function askLastStep({ url, run }: RunThere, token: string | undefined): number | undefined {
  const env: NodeJS.ProcessEnv = { ...process.env, NORMWATCH_ASK: `${url}/api/v1/runs/${run}` }
  if (token === undefined) delete env['NORMWATCH_TOKEN']
  else env['NORMWATCH_TOKEN'] = token
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PROCESS_TIMEOUT_MS,
  })
  return status === 0 ? readLastStep(stdout) : undefined
}

function readLastStep(answer: string): number | undefined {
  const { status, body } = JSON.parse(answer) as { status: number; body: Record<string, unknown> | null }
  const error = body?.['error'] as { code?: unknown } | undefined
  if (status === 404 && error?.code === 'run_not_found') return -1
  const last = body?.['last_step']
  if (status !== 200 || (last !== null && !Number.isInteger(last))) return undefined
  return (last as number | null) ?? -1
}
