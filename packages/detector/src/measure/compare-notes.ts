import { significant } from '../series/round.ts'
import { isSame, settingsOf } from './settings-of.ts'
import type { RunMeasures } from './run-measures.ts'

/** One of the runs compared. */
export interface ComparedRun {
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  readonly measures: RunMeasures
}

/** Config keys named in a note. */
const NAMED_KEYS = 8
/** Configuration that may differ between repetitions of the same run. */
const SEED = /(^|[._/-])seed$/i

/** What makes the comparison weak, one sentence each. */
export function compareNotes(runs: readonly ComparedRun[]): string[] {
  if (runs.length < 2) return []
  const notes: string[] = []
  const different = differingKeys(runs)
  const others = different.filter((key) => !SEED.test(key))
  if (others.length > 0 || different.length === 0)
    notes.push(
      'One run a side: a difference between two single runs may be the seed. Repeat each with other seeds.',
    )
  if (others.length > 1)
    notes.push(
      `${others.length} settings differ, so no one of them explains the difference: ${named(others)}.`,
    )
  else if (others.length === 1) notes.push(`One setting differs: ${named(others)}.`)
  const lengths = runs.map(({ measures }) => measures.steps)
  const shortest = Math.min(...lengths)
  const longest = Math.max(...lengths)
  if (longest > shortest)
    notes.push(
      `The lengths differ (${shortest} to ${longest} steps): final losses and rates are not of the same stage of training.`,
    )
  const densities = runs.map(({ measures }) => measures.points / measures.steps).filter(Number.isFinite)
  if (Math.max(...densities) > 1.5 * Math.min(...densities))
    notes.push(
      `One point stands for ${intervals(densities)} steps: roughness compares only between runs logged equally often.`,
    )
  const nonfinite = runs.filter(({ measures }) => measures.nonfinite > 0)
  if (nonfinite.length > 0)
    notes.push(
      `${nonfinite.map(({ name, measures }) => `${name} has ${measures.nonfinite}`).join(', ')} non-finite readings; they are in no figure.`,
    )
  return notes
}

/** Keys, nested ones with dots, whose values are not the same in all runs. */
function differingKeys(runs: readonly ComparedRun[]): string[] {
  const [first, ...others] = runs.map(({ config }) => settingsOf(config)) as [
    Map<string, unknown>,
    ...Map<string, unknown>[],
  ]
  const keys = new Set([first, ...others].flatMap((settings) => [...settings.keys()]))
  return [...keys]
    .filter((key) => others.some((settings) => !isSame(settings.get(key), first.get(key))))
    .sort()
}

function named(keys: readonly string[]): string {
  const more = keys.length > NAMED_KEYS ? ` and ${keys.length - NAMED_KEYS} more` : ''
  return keys.slice(0, NAMED_KEYS).join(', ') + more
}

function intervals(densities: readonly number[]): string {
  return densities.map((density) => significant(1 / density, 3)).join(', ')
}
