/**
 * `npm run bench:detector`: readings per second through the whole detector on one core, and the size of its state. Rates use
 * processor time, so that a busy machine changes them little. The best of five rounds is reported.
 */
import { cpus } from 'node:os'
import {
  defaultSettings,
  findMoved,
  judge,
  newState,
  NormRecord,
  type Reading,
} from '../../packages/detector/src/index.ts'
import { innocents } from '../../packages/detector/test/innocent-metrics.ts'
import { noiseFrom } from '../../packages/detector/test/noise.ts'
import { clipAt, reading } from '../../packages/detector/test/readings.ts'
import { judgeRecordedRuns, readingsOf } from '../../packages/detector/test/recorded-runs.ts'
import { recordedRun } from '../../packages/importers/test/recorded-logs.ts'
import { figure } from './markdown.ts'

const ROUNDS = 5
const MILLION = 1_000_000
const facts = clipAt(1, 'adamw')

console.log(`${cpus()[0]?.model}, Node ${process.version}`)
rate('1,000,000 made readings of norm, loss and lr', madeReadings())
const llmc = readingsOf(recordedRun('llmc-gpt2-124m'))
rate('llmc-gpt2-124m, 19,560 readings, 50 times', llmc, 50)
const norms = Float64Array.from(madeReadings(), ({ gradNorm }) => gradNorm as number)
const times = Array.from({ length: ROUNDS }, () => {
  const start = process.cpuUsage().user
  const record = new NormRecord()
  record.add({ values: norms, present: null })
  record.quantiles([0.1, 0.5, 0.9, 0.99])
  record.curve()
  return (process.cpuUsage().user - start) / 1000
})
console.log(`what-if of 1,000,000 norms, 64 caps and four quantiles: ${figure(Math.min(...times))} ms`)
const looked = {
  step: Float64Array.from({ length: 650 }, (_, i) => i),
  metrics: innocents(noiseFrom(1), 300, 650),
}
const looks = Array.from({ length: ROUNDS }, () => {
  const start = process.cpuUsage().user
  findMoved(looked, 500)
  return (process.cpuUsage().user - start) / 1000
})
console.log(
  `what moved of 300 metrics over 650 points: ${figure(looks[0] as number)} ms the first time, then ${figure(Math.min(...looks))} ms`,
)
const sizes = judgeRecordedRuns().map(({ stateBytes }) => stateBytes)
console.log(`state of the recorded runs: at most ${Math.max(...sizes)} bytes`)

function rate(name: string, readings: readonly Reading[], repeats = 1): void {
  let best = 0
  let bytes = 0
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage().user
    for (let i = 0; i < repeats; i++) {
      const state = newState()
      for (const one of readings) judge(state, one, facts, defaultSettings)
      bytes = JSON.stringify(state).length
    }
    const seconds = (process.cpuUsage().user - start) / 1e6
    best = Math.max(best, (readings.length * repeats) / seconds)
  }
  console.log(`${name}: ${Math.round(best).toLocaleString('en')} a second, state ${bytes} bytes`)
}

function madeReadings(): Reading[] {
  const noise = noiseFrom(1)
  return Array.from({ length: MILLION }, (_, step) =>
    reading(step, {
      gradNorm: Math.exp(0.5 * noise.normal()),
      loss: 2 + Math.exp(-step / 200_000) + 0.1 * noise.normal(),
      lr: 1e-3 * (0.5 + 0.5 * Math.cos((Math.PI * step) / MILLION)),
    }),
  )
}
