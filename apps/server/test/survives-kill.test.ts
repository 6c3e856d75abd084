import { expect, it } from 'vitest'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'
import { randomsOf, Training } from './training.ts'

const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 50)
const SEED = Number(process.env['KILL_SEED'] ?? 1)
/** Acknowledgements of all clients together, and milliseconds after the last of them, that a server lives at most. */
const MAX_ACKNOWLEDGED = 120
const MAX_DELAY_MS = 10

it(`keeps every acknowledged point, once and bit for bit, through ${ROUNDS} kills`, async () => {
  const random = randomsOf(SEED)
  const folder = await tempFolder()
  const trainings = [
    new Training(1, 500),
    new Training(2, 500, true),
    new Training(3, 64),
    new Training(4, 7, true),
    ...Array.from({ length: 4 }, (_, i) => new Training(5 + i, 1)),
  ]
  // A process that is killed writes no compile cache: with the one of a process that ended, all start sooner.
  const env = { NODE_COMPILE_CACHE: await tempFolder() }
  const first = await startServer(folder, [], env)
  for (const training of trainings) await training.create(first.url)
  expect((await first.end('SIGTERM')).code).toBe(0)
  for (let round = 0; round < ROUNDS; round++) {
    const { process: child, url, end } = await startServer(folder, [], env)
    // dies when a random number of batches are acknowledged, between one statement and the next
    const fatal = 1 + Math.floor(random() * MAX_ACKNOWLEDGED)
    const delay = random() * MAX_DELAY_MS
    let acknowledged = 0
    const onAcknowledged = () => {
      if (++acknowledged === fatal) setTimeout(() => child.kill('SIGKILL'), delay)
    }
    await Promise.all(trainings.map((training) => training.expectStored(url)))
    await Promise.all(trainings.map((training) => training.sendUntilGone(url, onAcknowledged)))
    expect(await end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
  }
  const { url, end } = await startServer(folder, [], env)
  for (const training of trainings) await training.expectStored(url, true)
  expect(Math.min(...trainings.map(({ acknowledged }) => acknowledged))).toBeGreaterThan(ROUNDS / 2)
  expect((await end('SIGTERM')).code).toBe(0)
}, 600_000)
