import { expect, it } from 'vitest'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

const CLIENTS = 4
const STEPS = 20
const ROUNDS = 4

const send = (url: string, path: string, method: string, body: object) =>
  fetch(`${url}/api/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** Sends batches one after the other until the server is gone; returns the first step without an acknowledgement. */
async function sendUntilGone(url: string, run: string, from: number): Promise<number> {
  for (let first = from; ; first += STEPS) {
    const step = Array.from({ length: STEPS }, (_, i) => first + i)
    let answer: Response
    try {
      answer = await send(url, `/runs/${run}/points`, 'POST', { columns: { step, loss: step } })
    } catch {
      return first
    }
    if (!answer.ok) throw new Error(await answer.text())
  }
}

it(
  'finds every acknowledged point once after kill -9 in the middle of writing',
  { timeout: 120_000 },
  async () => {
    const folder = await tempFolder()
    const acknowledged = new Array<number>(CLIENTS).fill(0)
    for (let round = 0; round < ROUNDS; round++) {
      const server = await startServer(folder)
      const senders = acknowledged.map(async (from, i) => {
        await send(server.url, `/runs/r${i}`, 'PUT', {})
        acknowledged[i] = await sendUntilGone(server.url, `r${i}`, from)
      })
      const failed = Promise.all(senders).then(() => Promise.reject(new Error('the senders ended')))
      failed.catch(() => undefined)
      // Killed once some work was acknowledged, a random number of batches later.
      const goal = (acknowledged[0] as number) + STEPS * (5 + Math.floor(Math.random() * 40))
      for (let points = 0; points < goal;) {
        const run = fetch(`${server.url}/api/v1/runs/r0`).then((answer) => answer.json())
        points = ((await Promise.race([run, failed])) as { points?: number }).points ?? 0
      }
      expect(await server.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
      await Promise.all(senders)
    }
    const server = await startServer(folder)
    for (const [i, count] of acknowledged.entries()) {
      const text = await (await fetch(`${server.url}/api/v1/runs/r${i}/points`)).text()
      const steps = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { step: number; loss: number })
      expect(count).toBeGreaterThan(0)
      expect(steps.slice(0, count)).toMatchObject(
        Array.from({ length: count }, (_, step) => ({ step, loss: step })),
      )
      // At most the one batch that was not answered may be there besides, and then whole.
      expect([0, STEPS]).toContain(steps.length - count)
      const run = await (await fetch(`${server.url}/api/v1/runs/r${i}`)).json()
      expect(run).toMatchObject({ points: steps.length, last_step: steps.length - 1 })
    }
    await server.end('SIGINT')
  },
)
