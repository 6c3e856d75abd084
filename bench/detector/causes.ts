/** `npm run report:causes`: how often a cause that is named with weight is the planted one, on synthetic runs. */
import { diagnosesOf, scenarios } from '../../packages/detector/test/planted-causes.ts'
import { percent, table } from './markdown.ts'

const RUNS = Number(process.argv[2] ?? 100)
const FIRST_SEED = Number(process.argv[3] ?? 0x5eed_1000)
const HEAVY = 0.6

const byCause = new Map<string, { named: number; true: number }>()
let heavy = 0
let right = 0
const rows = Object.entries(scenarios).map(([name, scenario]) => {
  const { planted } = scenario
  const came = { found: 0, first: 0, wrong: 0 }
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    const diagnoses = diagnosesOf(scenario, seed)
    if (diagnoses.some(({ causes }) => causes.some(({ cause }) => cause === planted))) came.found++
    const gravest =
      diagnoses.find(({ severity }) => severity === 'critical') ??
      diagnoses.find(({ severity }) => severity === 'warning') ??
      diagnoses[0]
    if (gravest?.causes[0]?.cause === planted) came.first++
    let wrong = 0
    for (const { cause, weight } of diagnoses.flatMap(({ causes }) => causes)) {
      if (weight < HEAVY) continue
      const isTrue: boolean = cause === planted
      const tally = byCause.get(cause) ?? { named: 0, true: 0 }
      byCause.set(cause, { named: tally.named + 1, true: tally.true + (isTrue ? 1 : 0) })
      heavy++
      if (isTrue) right++
      else wrong++
    }
    if (wrong > 0) came.wrong++
  }
  return [
    name,
    String(planted),
    percent(came.found / RUNS),
    percent(came.first / RUNS),
    percent(came.wrong / RUNS),
  ]
})
console.log(
  table(
    ['planted', 'cause', 'named', 'first in the gravest finding', `another with weight ≥ ${HEAVY}`],
    rows,
  ),
)
console.log(`Of ${heavy} causes with weight ≥ ${HEAVY}, ${percent(right / heavy)} are the planted one.`)
console.log(
  table(
    ['cause', `named with weight ≥ ${HEAVY}`, 'rightly'],
    [...byCause].map(([cause, { named, true: isTrue }]) => [cause, named, percent(isTrue / named)]),
  ),
)
