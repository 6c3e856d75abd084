import type { ComparedRun } from '@normwatch/protocol'
import { configWords } from '#lib/format/config.ts'
import { count, figure, group, multiple, percent } from '#lib/format/number.ts'
import { duration } from '#lib/format/time.ts'

/** One measure of the compared runs; a cell's `change` is against the first run, empty where there is nothing to say. */
export interface MeasureRow {
  readonly name: string
  readonly hint: string
  readonly cells: readonly { readonly value: string; readonly change: string }[]
}

interface Measure {
  readonly name: string
  readonly hint: string
  readonly of: (run: ComparedRun) => number | null
  readonly words: (value: number) => string
  /** Shares differ by percentage points, other measures by a factor. */
  readonly isShare?: boolean
}

const quantile = (name: 'p50' | 'p90' | 'p99') => (run: ComparedRun) => run.norm_quantiles[name] ?? null

const MEASURES: readonly Measure[] = [
  {
    name: 'Final loss',
    hint: 'median of the last 5% of the losses',
    of: (run) => run.final_loss,
    words: figure,
  },
  {
    name: 'Loss roughness',
    hint: 'root mean square of the first differences of the loss, in its unit',
    of: (run) => run.loss_roughness,
    words: figure,
  },
  {
    name: 'Clip rate',
    hint: 'share of the steps that were clipped',
    of: (run) => run.clip_rate,
    words: percent,
    isShare: true,
  },
  { name: 'Norm, median', hint: 'pre-clip gradient norm', of: quantile('p50'), words: figure },
  { name: 'Norm, p90', hint: 'pre-clip gradient norm', of: quantile('p90'), words: figure },
  { name: 'Norm, p99', hint: 'pre-clip gradient norm', of: quantile('p99'), words: figure },
  { name: 'Spikes', hint: 'findings of the kind spike', of: (run) => run.spikes, words: group },
  {
    name: 'NaN or infinite',
    hint: 'readings of norm and loss that are NaN or infinite',
    of: (run) => run.nonfinite,
    words: group,
  },
  { name: 'Steps', hint: 'from the first to the last, both counted', of: (run) => run.steps, words: count },
  { name: 'Logged points', hint: 'distinct steps stored', of: (run) => run.points, words: count },
  {
    name: 'Time',
    hint: 'from the first to the last point',
    of: (run) => run.seconds || null,
    words: duration,
  },
]

/** The table of measures, each with its difference to the first run. */
export function measureRows(runs: readonly ComparedRun[]): MeasureRow[] {
  return MEASURES.map(({ name, hint, of, words, isShare = false }) => {
    const values = runs.map(of)
    const [first = null] = values
    return {
      name,
      hint,
      cells: values.map((value, i) => ({
        value: value === null ? '–' : words(value),
        change: i === 0 ? '' : isShare ? percentagePoints(first, value) : factorBetween(first, value),
      })),
    }
  })
}

/** "clip 1.0: the loss is 2.7× smoother than in no clip", for every run after the first that differs by a tenth or more. */
export function roughnessSentences(runs: readonly ComparedRun[]): string[] {
  const [first, ...others] = runs
  const base = first?.loss_roughness
  if (first === undefined || base == null || base === 0) return []
  return others.flatMap(({ name, loss_roughness: own }) => {
    if (own === null || own === 0) return []
    const [more, less, word] = own < base ? [base, own, 'smoother'] : [own, base, 'rougher']
    return more / less < 1.1
      ? []
      : [`${name}: the loss is ${multiple(more, less)} ${word} than in ${first.name}.`]
  })
}

/** The config keys of the runs with their values: those that differ, and those that are the same in all. */
export function configRows(configs: readonly Readonly<Record<string, unknown>>[]) {
  const rows = allConfigRows(configs)
  const differs = ({ values }: { readonly values: readonly string[] }) => new Set(values).size > 1
  return { different: rows.filter(differs), equal: rows.filter((row) => !differs(row)) }
}

type Config = Readonly<Record<string, unknown>>

/** A key that holds a group in every config that has it stands by its members: `optim.lr`. */
function allConfigRows(
  configs: readonly (Config | undefined)[],
  prefix = '',
): { key: string; values: string[] }[] {
  const keys = [...new Set(configs.flatMap((config) => Object.keys(config ?? {})))].sort()
  return keys.flatMap((key) => {
    const values = configs.map((config) => config?.[key])
    return values.every((value) => value === undefined || isGroup(value))
      ? allConfigRows(values as (Config | undefined)[], `${prefix}${key}.`)
      : [{ key: prefix + key, values: values.map(configWords) }]
  })
}

function isGroup(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
}

function percentagePoints(first: number | null, value: number | null): string {
  if (first === null || value === null || first === value) return ''
  const points = (value - first) * 100
  return `${points > 0 ? '+' : '−'}${figure(Number(Math.abs(points).toPrecision(2)))} percentage points`
}

function factorBetween(first: number | null, value: number | null): string {
  if (first === null || value === null || first <= 0 || value <= 0 || first === value) return ''
  return multiple(value, first)
}
