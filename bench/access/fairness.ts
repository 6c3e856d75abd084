/**
 * `npm run bench:access [-- KIND…]`: how long other clients wait during abuse by one client, compared with how long they
 * usually wait. Both are measured in turns on one server. A third kind of round shows what of it is the machine's part: the
 * same abuse of another server beside it. For kinds that are not given, results.json keeps its old figures.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { load, machine, median, ServerProcess } from '../server-process.ts'
import { Beats } from './beats.ts'
import { isKind, KINDS, type Kind } from './kinds.ts'
import { Others } from './others.ts'

const ROUNDS = 5
const ROUND_MS = 5_000
/** The most that the median of the rounds' ratios should be, in every kind. */
const GOAL = 1.6
/** Milliseconds in which an abuser uses up its allowed burst. Not measured. */
const BURST_MS = 4_000
const BAD_RUNS = 32
const WRITE_TOKENS = 4
const OPERATOR = `nw_${'b'.repeat(43)}`
const RESULTS = join(import.meta.dirname, 'results.json')

interface Phase {
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Share of one processor that the server used. */
  readonly serverCpu: number
  /** Milliseconds that the main thread ran in its longest turn; 0 if less than 10. */
  readonly longestTurn: number
}

/** A server with its beat, and the token of its abuser. */
interface Abused {
  readonly server: ServerProcess
  readonly beats: Beats
  readonly bad: string
}

const asked = process.argv.slice(2)
const kinds = asked.length === 0 ? KINDS : asked.filter(isKind)
const before = existsSync(RESULTS)
  ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as { kinds: object })
  : { kinds: {} }
const results: Record<string, unknown> = { ...before.kinds }
for (const kind of kinds) {
  const seen = await measure(kind)
  results[kind] = seen
  console.log(
    `${kind.padEnd(28)} p99 ${seen.usual.map(({ p99 }) => p99).join(' ')} → ${seen.abused.map(({ p99 }) => p99).join(' ')} ms, ` +
      `ratio ${seen.ratio}, at most ${seen.worst}; ${seen.besideRatio} where the abuse is of another server, ` +
      `load average ${seen.loadAverage}`,
  )
  if (seen.ratio > GOAL) process.exitCode = 1
}
const inOrder = Object.fromEntries(
  KINDS.filter((kind) => kind in results).map((kind) => [kind, results[kind]]),
)
writeFileSync(RESULTS, `${JSON.stringify({ ...machine(), kinds: inOrder }, null, 2)}\n`)

async function measure(kind: Kind) {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
  const [ours, another] = [await begin(join(folder, 'ours')), await begin(join(folder, 'another'))]
  try {
    const { server } = ours
    const writing = Array.from({ length: WRITE_TOKENS }, (_, i) => token(server.url, `good-${i}`, 'write'))
    const others = new Others(server.url, {
      write: await Promise.all(writing),
      read: await token(server.url, 'reader', 'read'),
    })
    await others.createRuns()
    await others.waits(2 * ROUND_MS)
    const [usual, abused, beside, answers]: [Phase[], Phase[], Phase[], unknown[]] = [[], [], [], []]
    const during = async ({ server: { url }, bad }: Abused, phases: Phase[]) => {
      const abuser = start(url, bad, kind)
      await sleep(BURST_MS)
      phases.push(await phase(ours, others))
      const got = await abuser.end()
      // The abuse has after-effects, which must not count as the usual state.
      await sleep(1_000)
      return got
    }
    const phases = [
      async () => void usual.push(await phase(ours, others)),
      async () => void answers.push(await during(ours, abused)),
      async () => void (await during(another, beside)),
    ]
    for (let round = 0; round < ROUNDS; round++) {
      for (const one of round % 2 === 0 ? phases : phases.toReversed()) await one()
    }
    const ratiosOf = (phases: readonly Phase[]) => phases.map(({ p99 }, i) => p99 / (usual[i] as Phase).p99)
    const ratios = ratiosOf(abused)
    return {
      loadAverage: load(),
      ratio: round2(median(ratios)),
      worst: round2(Math.max(...ratios)),
      besideRatio: round2(median(ratiosOf(beside))),
      usual,
      abused,
      beside,
      answers,
      megabytes: server.megabytes,
    }
  } finally {
    await Promise.all([ours.server.stop(), another.server.stop()])
    rmSync(folder, { recursive: true })
  }
}

/** A server that may be abused. */
async function begin(folder: string): Promise<Abused> {
  mkdirSync(folder)
  const beats = new Beats(folder)
  const environment = { ...beats.environment, NORMWATCH_TOKEN: OPERATOR }
  const server = await ServerProcess.start(join(folder, 'data'), { environment })
  const bad = await token(server.url, 'bad', 'admin')
  for (let i = 0; i < BAD_RUNS; i++) await call(server.url, 'PUT', `/runs/bad-${i}`, {})
  return { server, beats, bad }
}

async function phase({ server, beats }: Abused, others: Others): Promise<Phase> {
  const [instant, began, cpu] = [Date.now(), performance.now(), server.cpuSeconds]
  const waits = (await others.waits(ROUND_MS)).toSorted((a, b) => a - b)
  const seconds = (performance.now() - began) / 1000
  const at = (share: number) => round2(waits[Math.floor((waits.length - 1) * share)] as number)
  return {
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    serverCpu: round2((server.cpuSeconds - cpu) / seconds),
    longestTurn: beats.longestSince(instant).turn,
  }
}

/** Starts the abuser at the lowest priority, because it should load the server and not this machine. */
function start(url: string, secret: string, kind: Kind) {
  const program = join(import.meta.dirname, 'abuser.ts')
  const child = spawn('nice', ['-n', '19', process.execPath, program, url, secret, kind], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (text) => (said += String(text)))
  const ended = once(child, 'close')
  return {
    async end(): Promise<unknown> {
      if (child.exitCode !== null) throw new Error(`the abuser ended with ${child.exitCode}`)
      child.kill('SIGTERM')
      await ended
      return JSON.parse(said)
    },
  }
}

async function call(url: string, method: string, path: string, body: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${OPERATOR}`, 'content-type': 'application/json' }
  const reply = await fetch(`${url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) })
  if (!reply.ok) throw new Error(`${method} ${path} was answered with ${reply.status}`)
  return reply.json()
}

async function token(url: string, name: string, scope: string): Promise<string> {
  return ((await call(url, 'POST', '/tokens', { name, scope })) as { token: string }).token
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
