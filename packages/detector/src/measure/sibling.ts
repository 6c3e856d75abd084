import { isSame, settingsOf } from './settings-of.ts'

/** A run's name, and what can differ between two runs: configuration, clipping and optimiser. */
export interface Settings {
  readonly name?: string
  readonly config: Readonly<Record<string, unknown>>
  readonly max_norm: number | null
  readonly optimizer: string | null
}

export interface Difference {
  readonly key: string
  /** `null` where the run has no such setting. */
  readonly this: unknown
  readonly that: unknown
}

/** Runs that share fewer of their settings, by name or by value, are not alike. */
const LEAST_ALIKE = 0.5
/** Captured of every training on a machine: runs of different programs share these. */
const ENVIRONMENT: ReadonlySet<string> = new Set([
  'command',
  'python',
  'torch',
  'cuda',
  'world_size',
  'git_commit',
])
/** Settings that often explain a difference of norms. */
const TELLING =
  /lr|learning_rate|warmup|batch|optim|beta|eps|decay|max_norm|clip|precision|dtype|fp16|bf16|scale/i

/**
 * The first of the runs that share the largest part of their settings with this one, and in what it differs. Only runs that
 * have most keys of their configuration in common are compared, or whose names differ only in numbers.
 */
export function mostAlike<T extends Settings>(
  run: Settings,
  others: readonly T[],
): { readonly run: T; readonly differs: Difference[] } | undefined {
  const own = allOf(run)
  let best: { run: T; differs: Difference[]; alike: number } | undefined
  for (const other of others) {
    if (!isRelated(run, other)) continue
    const its = allOf(other)
    const keys = [...new Set([...own.keys(), ...its.keys()])]
    const differs = keys.filter((key) => !isSame(own.get(key), its.get(key)))
    const alike = 1 - differs.length / keys.length
    if (alike < LEAST_ALIKE || (best !== undefined && alike <= best.alike)) continue
    const values = differs.map((key) => ({ key, this: own.get(key) ?? null, that: its.get(key) ?? null }))
    best = { run: other, differs: values, alike }
  }
  return best && { run: best.run, differs: best.differs.toSorted(byWeight) }
}

function isRelated(run: Settings, other: Settings): boolean {
  const stem = stemOf(run.name)
  if (stem !== '' && stem === stemOf(other.name)) return true
  const own = chosenKeys(run.config)
  const its = chosenKeys(other.config)
  const shared = own.filter((key) => its.includes(key)).length
  return shared > 0 && shared >= LEAST_ALIKE * (own.length + its.length - shared)
}

/** The keys that somebody chose. */
const chosenKeys = (config: Settings['config']): string[] =>
  [...settingsOf(config).keys()].filter((key) => !ENVIRONMENT.has(key))

/** The words of a name, without its numbers: `sft/log` for `sft-0417/log`; empty if it is only numbers. */
const stemOf = (name = ''): string =>
  name
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '')
    .join('/')
    .toLowerCase()

const allOf = ({ config, max_norm, optimizer }: Settings): Map<string, unknown> =>
  settingsOf({ ...config, max_norm, optimizer })

const byWeight = (a: Difference, b: Difference): number =>
  Number(TELLING.test(b.key)) - Number(TELLING.test(a.key)) || (a.key < b.key ? -1 : 1)
