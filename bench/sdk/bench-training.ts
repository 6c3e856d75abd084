/**
 * `node bench/sdk/bench-training.ts [--trainings 15]`: the cost of recording for a training, and the time of `init` and
 * `finish`, with a real server. Trains the toy RNN. A few recorded and a few unrecorded steps take turns, so that a slower
 * machine slows both. Uses the built package, as it is installed; it is built first.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type * as Sdk from '@normwatch/sdk'
import { train } from '../../examples/toy-rnn/train.ts'
import { median, ServerProcess } from '../server-process.ts'
import { keep } from './keep.ts'

const { values: flags } = parseArgs({ options: { trainings: { type: 'string', default: '15' } } })
const root = join(import.meta.dirname, '../..')
execFileSync('npm', ['run', '--silent', 'build', '-w', '@normwatch/sdk'], { cwd: root, stdio: 'inherit' })
const { init } = (await import(join(root, 'packages/sdk/dist/index.js'))) as typeof Sdk

const maxNorm = 1
/** Steps per turn. Cache misses caused by recording fall into the same turn. */
const STEPS = 5
const IS_RECORDED = [false, true, true, false]

interface Training {
  /** Time with recording divided by time without, for each group of four turns. */
  readonly ratios: readonly number[]
  /** Milliseconds of an unrecorded step. */
  readonly step: number
  readonly init: number
  readonly finish: number
}

async function measure(url: string): Promise<Training> {
  const startedAt = performance.now()
  const run = init({ project: 'bench', name: 'toy RNN', maxNorm, url })
  const begunAt = performance.now()
  const turns: number[] = []
  let steps = 0
  let turnBegan = begunAt
  const onStep = (readings: Sdk.Readings) => {
    if (IS_RECORDED[turns.length % 4] === true) run.log(readings)
    if (++steps % STEPS !== 0) return
    const now = performance.now()
    turns.push(now - turnBegan)
    turnBegan = now
  }
  await train({ clipping: { maxNorm }, seed: 2, onStep })
  const trainedAt = performance.now()
  await run.finish()
  const finish = performance.now() - trainedAt
  const rounds = Array.from({ length: Math.floor(turns.length / 4) }, (_, i) => turns.slice(4 * i, 4 * i + 4))
  const measured = rounds.slice(2) as [number, number, number, number][] // the first two warm up
  return {
    ratios: measured.map(([first, on, again, last]) => (on + again) / (first + last)),
    step: median(measured.map(([first, , , last]) => (first + last) / 2 / STEPS)),
    init: begunAt - startedAt,
    finish,
  }
}

/** A 95 % confidence interval of the median from order statistics, which outliers do not affect. */
function interval(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b)
  const reach = (1.96 * Math.sqrt(sorted.length)) / 2
  const at = (place: number) => sorted[Math.max(0, Math.min(sorted.length - 1, place))] as number
  return [at(Math.floor(sorted.length / 2 - reach)), at(Math.ceil(sorted.length / 2 + reach))]
}

const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
const server = await ServerProcess.start(folder)
const trainings: Training[] = []
await measure(server.url)
for (let i = 0; i < Number(flags.trainings); i++) trainings.push(await measure(server.url))
await server.stop()
rmSync(folder, { recursive: true })

const ratios = trainings.flatMap((training) => training.ratios)
const rounded = (value: number) => Math.round(value * 100) / 100
const percent = (ratio: number) => rounded(100 * (ratio - 1))
const of = (figure: 'step' | 'init' | 'finish') => rounded(median(trainings.map((one) => one[figure])))
const figures = {
  rounds: ratios.length,
  step_ms: of('step'),
  cost_percent: percent(median(ratios)),
  interval_95_percent: interval(ratios).map(percent),
  init_ms: of('init'),
  finish_ms: of('finish'),
}
console.log(JSON.stringify(figures))
await keep('typescript: a training', figures)
