import type { ImportedRun } from '../runs/imported-run.ts'

/** A run's cap in a word. */
export function capWords({ clip }: ImportedRun): string {
  if (clip === undefined) return 'log only'
  if (clip.mode === 'value') return `${clip.clip_value} by value`
  return clip.mode === 'norm' ? String(clip.max_norm) : 'off'
}

/** What was taken as a run's norm, in a word. */
export function normWords({ norm, parts }: ImportedRun): string {
  return norm ?? (parts.length > 0 ? `${parts.length} parts` : 'none')
}

/** Notes on an imported run, one sentence each. */
export function remarksOn({ capFoundIn, otherNorms, notes }: ImportedRun): string[] {
  return [
    ...(capFoundIn === undefined ? [] : [`cap from ${capFoundIn}`]),
    ...(otherNorms.length === 0 ? [] : [`other norms: ${otherNorms.slice(0, 8).join(', ')}`]),
    ...notes,
  ]
}
