import { expect, it } from 'vitest'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

const RUNS = 48
const ROUNDS = 3
const POINTS = 40

interface Shown {
  id: string
  status: string
  notes: string
  clip: { max_norm: number }
  last_step: number
  conditions: { finding: string | null }[]
}

/** A training that clips every step, so that a finding is open, and a patch that ends it in one of four ways. */
const fields = { notes: 'old', clip: { mode: 'norm', max_norm: 0.5 } }
const columns = {
  step: Array.from({ length: POINTS }, (_, i) => i),
  grad_norm: Array.from({ length: POINTS }, (_, i) => (i < 30 ? 1 : 'NaN')),
}
const patches = [
  { notes: 'new', status: 'finished' },
  { notes: 'new', status: 'failed', truncate_after: 35 },
  { notes: 'new', status: 'finished', clip: { mode: 'norm', max_norm: 2 } },
  { notes: 'new', status: 'finished', clip: { mode: 'norm', max_norm: 2 }, truncate_after: 35 },
]

it('changes fields, status, cap and record of a run as one unit, for readers and through kills', async () => {
  const folder = await tempFolder()
  const env = { NODE_COMPILE_CACHE: await tempFolder() }
  let ended = 0
  for (let round = 0; round < ROUNDS; round++) {
    const { process: child, url, end } = await startServer(folder, [], env)
    const ids = Array.from({ length: RUNS }, (_, i) => `${round}-${i}`)
    const send = (method: string, path: string, body: object) =>
      fetch(`${url}/api/v1/runs/${path}`, {
        method,
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
    for (const id of ids) {
      await send('PUT', id, fields)
      await send('POST', `${id}/points`, { columns })
    }
    let acknowledged = 0
    const patched = ids.map(async (id, i) => {
      const { ok } = await send('PATCH', id, patches[i % patches.length] as object)
      if (ok && ++acknowledged === 5 * (round + 1)) child.kill('SIGKILL')
    })
    const reading = (async () => {
      for (;;) await expectNoHalf(url, round)
    })().catch((error: unknown) => error)
    await Promise.allSettled(patched)
    await end('SIGKILL')
    // the reader went on until the server was gone
    expect(await reading).toBeInstanceOf(TypeError)

    const again = await startServer(folder, [], env)
    ended += await expectNoHalf(again.url, round)
    await expect.poll(() => openFindingsOfEnded(again.url), { timeout: 10_000 }).toEqual([])
    await again.end('SIGTERM')
  }
  expect(ended).toBeGreaterThanOrEqual(5 + 10 + 15)
}, 120_000)

async function runsOf(url: string): Promise<Shown[]> {
  const reply = await fetch(`${url}/api/v1/runs?limit=200`)
  return ((await reply.json()) as { runs: Shown[] }).runs
}

/** Each run is as before its patch, or as after it; returns how many of this round have ended. */
async function expectNoHalf(url: string, round: number): Promise<number> {
  const runs = (await runsOf(url)).filter(({ id }) => id.startsWith(`${round}-`))
  const ended = runs.filter(({ status }) => status !== 'running')
  for (const { id, status, notes, clip, last_step } of runs) {
    const patch = patches[Number(id.split('-')[1]) % patches.length]
    const before = { status: 'running', notes: 'old', cap: 0.5 }
    const after = {
      status: patch?.status,
      notes: 'new',
      cap: patch?.clip?.max_norm ?? 0.5,
      last: patch?.truncate_after ?? POINTS - 1,
    }
    const shown = { status, notes, cap: clip.max_norm }
    if (status === 'running') expect({ id, ...shown }).toEqual({ id, ...before })
    else expect({ id, ...shown, last: last_step }).toEqual({ id, ...after })
  }
  return ended.length
}

async function openFindingsOfEnded(url: string): Promise<string[]> {
  const ended = new Set((await runsOf(url)).filter(({ status }) => status !== 'running').map(({ id }) => id))
  const reply = await fetch(`${url}/api/v1/findings?state=open&limit=1000`)
  const { findings } = (await reply.json()) as { findings: { run: string }[] }
  return findings.map(({ run }) => run).filter((run) => ended.has(run))
}
