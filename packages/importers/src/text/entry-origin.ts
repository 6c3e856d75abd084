import { jsonNumber } from './loose-json.ts'

/** Fields that say of which part of the data an entry is. */
const PHASES = ['mode', 'split', 'phase', 'stage', 'subset'] as const
const EVALUATION = /^(?:val|eval|test|dev$|predict|infer|holdout)/i
/** Fields in which an entry has the process that wrote it, and the run that it is of. */
const RANKS = ['rank', 'global_rank', 'process_index'] as const
const RUNS = ['run_id', 'run_name', 'run'] as const
/** Runs that are told apart by a field; beyond, it is no name of a run. */
const MAX_RUNS = 1000

type Entry = Readonly<Record<string, unknown>>

/** Whether an entry says that it is of an evaluation: `"mode": "val"`. Other words, such as `"stage": "sft"`, say nothing. */
export function isEvaluation(entry: Entry): boolean {
  return PHASES.some((name) => typeof entry[name] === 'string' && EVALUATION.test(entry[name]))
}

export const ONE_RANK =
  'Several processes write into this log: each step is taken from the one that wrote first, where it has the step.'

/** Takes each step of one process only, where several write into one log: of the first that wrote. */
export class OneRank {
  #first: number | undefined
  #newest = -Infinity

  /** Whether this entry is the first process' own, or of a step that this one has not written. */
  takes(entry: Entry, step: number): boolean {
    const rank = RANKS.map((name) => jsonNumber(entry[name])).find((value) => value !== undefined)
    if (rank === undefined || !Number.isInteger(rank)) return true
    this.#first ??= rank
    if (rank !== this.#first) return step > this.#newest
    this.#newest = step
    return true
  }
}

/** The run that an entry says it is of, while these are few. */
export class RunNames {
  readonly #names = new Set<string>()

  of(entry: Entry): string | undefined {
    const value = RUNS.map((name) => entry[name]).find(
      (item) => (typeof item === 'string' && item !== '') || Number.isInteger(item),
    )
    const name = value === undefined ? undefined : String(value as string | number)
    if (name === undefined || (this.#names.size === MAX_RUNS && !this.#names.has(name))) return undefined
    this.#names.add(name)
    return name
  }
}
