/** `npm run bench:access`: what others wait while one client sends without measure, beside what they usually wait. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROUNDS = 5
const ROUND_MS = 6_000
const CLIENTS = 10
const PAUSE_MS = 100
const ABUSER_CONNECTIONS = 32
const OPERATOR = `nw_${'b'.repeat(43)}`

const data = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
const server = await start()
try {
  const [good, bad] = [await token('good'), await token('bad')]
  for (let i = 0; i < CLIENTS; i++) await ask('PUT', `/runs/good-${i}`, good, {})
  await ask('PUT', '/runs/bad', bad, {})
  await round(good)
  const rows: { usual: number; abused: number }[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const usual = await round(good)
    const abuser = spawn(process.execPath, [
      join(import.meta.dirname, 'abuser.ts'),
      server.url,
      bad,
      'bad',
      String(ABUSER_CONNECTIONS),
    ])
    // Its burst is spent before anything is measured: a burst is allowed.
    await sleep(3_000)
    const abused = await round(good)
    abuser.kill('SIGKILL')
    await once(abuser, 'exit')
    await sleep(1_500)
    rows.push({ usual: p99(usual), abused: p99(abused) })
    console.log(
      `p99 of ${usual.length} and ${abused.length} requests: usual ${ms(p99(usual))}, beside the abuser ${ms(p99(abused))}`,
    )
  }
  const ratio = median(rows.map(({ usual, abused }) => abused / usual))
  console.log(`median ratio ${ratio.toFixed(2)}`)
  if (ratio > 2) process.exitCode = 1
} finally {
  server.process.kill('SIGTERM')
  await once(server.process, 'exit')
  rmSync(data, { recursive: true })
}

async function start(): Promise<{ process: ChildProcess; url: string }> {
  const main = join(import.meta.dirname, '../../apps/server/src/main.ts')
  const child = spawn(process.execPath, [main, '--port', '0', '--data', data], {
    env: { PATH: process.env['PATH'], NORMWATCH_TOKEN: OPERATOR },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const text of child.stdout) {
    const url = /listens on (\S+)/.exec(String(text))?.[1]
    if (url !== undefined) return { process: child, url }
  }
  throw new Error('The server did not start.')
}

async function ask(method: string, path: string, secret: string, body: object): Promise<Response> {
  return fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function token(name: string): Promise<string> {
  const reply = await ask('POST', '/tokens', OPERATOR, { name, scope: 'write' })
  return ((await reply.json()) as { token: string }).token
}

/** Every client sends a batch of ten points in each pause; milliseconds that each of them waited for its answer. */
async function round(secret: string): Promise<number[]> {
  const waits: number[] = []
  const until = performance.now() + ROUND_MS
  const client = async (run: string) => {
    for (let step = 0; performance.now() < until; step += 10) {
      const points = Array.from({ length: 10 }, (_, i) => ({ step: step + i, grad_norm: 1.5, loss: 2 }))
      const began = performance.now()
      const reply = await ask('POST', `/runs/${run}/points`, secret, { points })
      if (reply.status !== 200) throw new Error(`a good client got ${reply.status}`)
      await reply.arrayBuffer()
      waits.push(performance.now() - began)
      await sleep(PAUSE_MS)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(`good-${i}`)))
  return waits
}

function p99(waits: readonly number[]): number {
  return waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)] as number
}
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
}
function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}
