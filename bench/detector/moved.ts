/**
 * `npm run report:moved`: how often `moved` names a metric that did not change, and how often the planted one, on synthetic
 * runs. The threshold was chosen with other seeds than these.
 */
import { findMoved, type Column } from '../../packages/detector/src/index.ts'
import { column, innocents, makers } from '../../packages/detector/test/innocent-metrics.ts'
import { noiseFrom, type Noise } from '../../packages/detector/test/noise.ts'
import { percent, table } from './markdown.ts'

const RUNS = Number(process.argv[2] ?? 400)
const FIRST_SEED = Number(process.argv[3] ?? 0x5eed_0000)
const BARS = [1.5, 1.75, 2, 2.5, 3]
const SHIFT = 5

interface Plan {
  readonly onset: number
  /** Readings after the onset. */
  readonly after: number
  readonly metrics: number
  /** The maker of the planted metric's values, by name. */
  readonly like: string
}

const step = (length: number) => Float64Array.from({ length }, (_, i) => i)

/** A metric that shifts by five of its own robust deviations, between 50 readings before the onset and 5 after it. */
function planted(noise: Noise, { onset, like }: Plan, length: number): { column: Column; from: number } {
  const from = onset - Math.min(50, onset >> 1) + Math.round((Math.min(50, onset >> 1) + 5) * noise.uniform())
  const values = (makers[like] as (typeof makers)[string])(noise)
  return { from, column: column(length, (i) => (values(i) ?? 0) + (i < from ? 0 : SHIFT * 0.1)) }
}

function measure(plan: Plan, bar?: number) {
  const { onset, after, metrics } = plan
  const length = onset + after
  const came = { innocent: 0, first: 0, named: 0, inTime: 0 }
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    const noise = noiseFrom(seed)
    const others = innocents(noise, metrics, length)
    const surroundings = { step: step(length), metrics: others }
    if (findMoved(surroundings, onset, null, bar).length > 0) came.innocent++
    const cause = planted(noise, plan, length)
    others.set('planted', cause.column)
    const moved = findMoved(surroundings, onset, null, bar)
    if (moved[0]?.metric === 'planted') came.first++
    const found = moved.find(({ metric }) => metric === 'planted')
    if (found !== undefined) came.named++
    if (found !== undefined && Math.abs(found.at_step - cause.from) <= 2) came.inTime++
  }
  return came
}

const usual: Plan = { onset: 180, after: 120, metrics: 50, like: 'white' }
const plans: Plan[] = [
  usual,
  { ...usual, after: 25 },
  { ...usual, after: 10 },
  { ...usual, metrics: 300 },
  { ...usual, onset: 700 },
  { ...usual, onset: 90 },
  { ...usual, onset: 60 },
  { ...usual, onset: 40 },
  { ...usual, like: 'memory 0.9' },
  { ...usual, like: 'memory 0.99' },
]
const rows = plans.map((plan) => {
  const { innocent, first, named, inTime } = measure(plan)
  const share = (count: number) => percent(count / RUNS)
  return [
    `${plan.onset} before, ${plan.after} after`,
    String(plan.metrics),
    plan.like,
    share(innocent),
    share(first),
    share(named),
    share(inTime),
  ]
})
console.log(
  table(
    [
      'readings',
      'metrics',
      'planted one',
      'names an innocent',
      'planted first',
      'planted named',
      'its step, ± 2',
    ],
    rows,
  ),
)
const sensitivity = BARS.map((bar) => {
  const { innocent, first } = measure(usual, bar)
  return [String(bar), percent(innocent / RUNS), percent(first / RUNS)]
})
console.log(table(['bar', 'names an innocent', 'planted first'], sensitivity))
