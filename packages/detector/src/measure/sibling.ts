import { isSame, settingsOf } from './settings-of.ts'

/** What can differ between two runs: configuration, clipping and optimiser. */
export interface Settings {
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

/** Runs that share fewer of their settings are not alike. */
const LEAST_ALIKE = 0.5
/** Settings that often explain a difference of norms. */
const TELLING =
  /lr|learning_rate|warmup|batch|optim|beta|eps|decay|max_norm|clip|precision|dtype|fp16|bf16|scale/i

/** The first of the runs that share the largest part of their settings with this one, and in what it differs. */
export function mostAlike<T extends Settings>(
  run: Settings,
  others: readonly T[],
): { readonly run: T; readonly differs: Difference[] } | undefined {
  const own = allOf(run)
  let best: { run: T; differs: Difference[]; alike: number } | undefined
  for (const other of others) {
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

const allOf = ({ config, max_norm, optimizer }: Settings): Map<string, unknown> =>
  settingsOf({ ...config, max_norm, optimizer })

const byWeight = (a: Difference, b: Difference): number =>
  Number(TELLING.test(b.key)) - Number(TELLING.test(a.key)) || (a.key < b.key ? -1 : 1)
