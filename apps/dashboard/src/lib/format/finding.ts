import type { Finding } from '@normwatch/protocol'
import { decodeNumber } from '@normwatch/protocol/number-codec'
import { wordsOfKind } from '#lib/format/detector-words.ts'
import { counted, figure, group, percent } from '#lib/format/number.ts'

/** One figure of a finding's evidence, ready to read; `exact` is the full value for a tooltip. */
export interface EvidenceFigure {
  readonly label: string
  readonly text: string
  readonly exact: string
}

/** `Clipping is saturated`. */
export function findingTitle(finding: Pick<Finding, 'kind'>): string {
  const words = wordsOfKind(finding.kind).condition
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** From which step to which: `since step 420`, `steps 420 to 980 (560 steps)`, or `''` without steps. */
export function findingSpan({ opened_step, closed_step, close_reason, state }: Finding): string {
  if (opened_step === null) return ''
  if (state === 'open' || closed_step === null) return `since step ${group(opened_step)}`
  if (closed_step === opened_step) return `at step ${group(opened_step)}`
  // one that recovered did so at its last step
  const length = counted(closed_step - opened_step + (close_reason === 'recovered' ? 0 : 1), 'step')
  return `steps ${group(opened_step)} to ${group(closed_step)} (${length})`
}

/** Why a closed finding closed. */
export const CLOSE_WORDS: Record<NonNullable<Finding['close_reason']>, string> = {
  recovered: 'recovered',
  run_finished: 'the run finished',
  run_failed: 'the run failed',
  run_preempted: 'the run was preempted',
  settings_changed: 'the settings changed',
}

/** The evidence of a finding as labelled figures, in the order the detector gave them; how the run clips is said above. */
export function evidenceFigures(finding: Pick<Finding, 'kind' | 'evidence'>): EvidenceFigure[] {
  const { figures } = wordsOfKind(finding.kind)
  return Object.entries(finding.evidence).flatMap(([name, value]) => {
    if (value === null || name === 'mode') return []
    const number = decodeNumber(value)
    const label = figures[name] ?? name.replaceAll('_', ' ')
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
