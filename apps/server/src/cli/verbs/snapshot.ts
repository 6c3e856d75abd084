import { decodeNumber, type FindingList } from '@normwatch/protocol'
import { InvalidArgumentError, type Command } from 'commander'
import { figure, whole } from '../figures.ts'
import { example } from '../help.ts'
import { serverFromEnvironment } from '../server.ts'
import { inColumns, lineWidth } from '../table.ts'

interface Options {
  readonly around: number
  readonly width: number
  readonly json?: true
}

interface Row {
  readonly metric: string
  /** Medians of the finite readings before and after the step, and the reading at it. */
  readonly before: number | null
  readonly at: number | null
  readonly after: number | null
}

type Point = Readonly<Record<string, unknown>> & { readonly step: number }

export function addTo(program: Command): void {
  program
    .command('snapshot')
    .description('every metric around one step: the median before, at it, the median after')
    .argument('<run>', 'its id')
    .requiredOption('--around <step>', 'the step', readWhole)
    .option('--width <n>', 'steps looked at before and after', readWhole, 20)
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch snapshot toy --around 300'))
    .action(async (id: string, { around, width, json }: Options) => {
      const server = serverFromEnvironment()
      const path = `/runs/${encodeURIComponent(id)}`
      const range = { from: Math.max(0, around - width), to: around + width }
      const text = await (await server.open(`${path}/points`, range)).text()
      const points = text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Point)
      const { findings } = await server.get<FindingList>(`${path}/findings`, { limit: 1_000 })
      const here = findings.filter(
        ({ opened_step, closed_step }) =>
          (opened_step ?? 0) <= range.to && (closed_step ?? Infinity) >= range.from,
      )
      const metrics = compare(points, around)
      if (json) return console.log(JSON.stringify({ run: id, ...range, around, metrics, findings: here }))
      const rows = metrics.map(({ metric, before, at, after }) => [
        metric,
        ...[before, at, after].map(figure),
      ])
      const headings = ['METRIC', 'BEFORE', `STEP ${whole(around)}`, 'AFTER']
      for (const line of inColumns([headings, ...rows], lineWidth())) console.log(line)
      for (const { kind, opened_step } of here) console.log(`${kind} opened at step ${whole(opened_step)}`)
    })
}

function compare(points: readonly Point[], around: number): Row[] {
  const names = new Set(points.flatMap((point) => Object.keys(point)))
  names.delete('step')
  names.delete('time')
  names.delete('layers')
  return [...names].map((metric) => {
    const values = (isMeant: (step: number) => boolean) =>
      points.filter(({ step }) => isMeant(step)).map((point) => decodeNumber(point[metric]) ?? NaN)
    return {
      metric,
      before: median(values((step) => step < around)),
      at: values((step) => step === around)[0] ?? null,
      after: median(values((step) => step > around)),
    }
  })
}

function median(values: readonly number[]): number | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? null : (low + high) / 2
}

function readWhole(text: string): number {
  const count = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(count) && count >= 0) return count
  throw new InvalidArgumentError('It must be a whole number from 0 on.')
}
