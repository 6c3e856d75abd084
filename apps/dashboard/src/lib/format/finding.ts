import type { Finding } from '@normwatch/protocol'
import { decodeNumber } from '@normwatch/protocol/number-codec'
import { KIND_WORDS } from '#lib/format/health.ts'
import { counted, figure, group, percent } from '#lib/format/number.ts'

/** One figure of a finding's evidence, ready to read; `exact` is the full value for a tooltip. */
export interface EvidenceFigure {
  readonly label: string
  readonly text: string
  readonly exact: string
}

/** `Clipping is saturated`. */
export function findingTitle(finding: Pick<Finding, 'kind'>): string {
  const words = KIND_WORDS[finding.kind]
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** From which step to which: `since step 420`, `steps 420 to 980 (560 steps)`, or `''` without steps. */
export function findingSpan({ opened_step, closed_step, state }: Finding): string {
  if (opened_step === null) return ''
  if (state === 'open' || closed_step === null) return `since step ${group(opened_step)}`
  if (closed_step === opened_step) return `at step ${group(opened_step)}`
  const length = counted(closed_step - opened_step, 'step')
  return `steps ${group(opened_step)} to ${group(closed_step)} (${length})`
}

/** Why a closed finding closed. */
export const CLOSE_WORDS: Record<NonNullable<Finding['close_reason']>, string> = {
  recovered: 'recovered',
  run_finished: 'the run finished',
  run_failed: 'the run failed',
  settings_changed: 'the settings changed',
}

/** The evidence of a finding as labelled figures, in the order the detector gave them; how the run clips is said above. */
export function evidenceFigures(finding: Pick<Finding, 'evidence'>): EvidenceFigure[] {
  return Object.entries(finding.evidence).flatMap(([name, value]) => {
    if (value === null || name === 'mode') return []
    const number = decodeNumber(value)
    const label = LABELS[name] ?? name.replaceAll('_', ' ')
    if (number === undefined) return [{ label, text: String(value), exact: String(value) }]
    return [{ label, text: evidenceNumber(name, number), exact: String(value) }]
  })
}

function evidenceNumber(name: string, value: number): string {
  if (SHARES.test(name)) return percent(value)
  if (Number.isInteger(value)) return group(value)
  return figure(value)
}

/** `rate`, `rate_before`, `clip_rate`, `share_of_zeros` … are shares of 1. */
const SHARES = /(^|_)(rate|share)(_|$)/

const LABELS: Record<string, string> = {
  allowed_seconds: 'silence allowed, s',
  baseline: 'baseline, logged points',
  baseline_median: 'baseline median',
  before: 'compared with, logged points',
  clipped: 'points clipped',
  highest_median: 'highest median so far',
  loss: 'running median of the loss',
  lowest: 'lowest median so far',
  max_norm: 'cap',
  mean_coefficient: 'mean clip coefficient',
  median_interval: 'median step time, s',
  median_norm: 'median pre-clip norm',
  median_norm_before: 'median norm before',
  noise: 'noise of the loss',
  norm: 'pre-clip norm',
  on_cap: 'points on the cap',
  post_norm: 'post-clip norm',
  rate: 'share clipped',
  rate_before: 'share clipped before',
  robust_z: 'robust z of log norm',
  silent_seconds: 'silent for, s',
  skipped_in_all: 'skipped in all',
  spikes: 'spikes lately',
  start: 'loss at the start',
  streak: 'points in a row',
  times_median: 'times the median',
  window: 'window, logged points',
}

/** The name of a cause as a person says it: `lr too high`. */
export function causeWords(cause: string): string {
  return CAUSES[cause] ?? cause.replaceAll('_', ' ')
}
const CAUSES: Record<string, string> = {
  lr_too_high: 'Learning rate too high',
  warmup_needed: 'Warm-up needed',
  amp_underflow: 'Mixed-precision underflow',
  amp_overflow: 'Mixed-precision overflow',
  not_unscaled: 'Gradients clipped before unscaling',
  cap_below_typical_norm: 'The cap lies below the typical norm',
  outlier_batches: 'Outlier batches',
  norm_growth: 'The norm keeps growing',
  one_layer: 'One layer carries the norm',
}
