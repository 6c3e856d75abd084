import type { Finding, RunEvent, Sibling } from '@normwatch/protocol'
import { decodeNumber } from '@normwatch/protocol/number-codec'
import { counted, figure, group, multiple } from '#lib/format/number.ts'

/** A metric that changed with a finding; `lead` is in steps after the onset, negative before it. */
export interface Moved {
  readonly metric: string
  readonly before: number | string | null
  readonly after: number | string | null
  readonly ratio: number | string | null
  readonly at_step: number
  readonly lead: number
}

/** What is known about the beginning of a finding. A server that does not know it leaves it out. */
export interface FindingStory {
  readonly onset: number | null
  readonly moved: readonly Moved[]
  readonly events: readonly Pick<RunEvent, 'step' | 'label' | 'text'>[]
  readonly sibling: Sibling | null
  readonly part: string | null
}

export function storyOf(finding: Finding & Partial<FindingStory>): FindingStory {
  const { onset = null, moved = [], events = [], sibling = null, part = null } = finding
  return { onset, moved, events, sibling, part }
}

/** `began at step 34, seen at step 58`; empty where both are one, or the beginning is not known. */
export function onsetWords(finding: Finding): string {
  const { onset } = storyOf(finding)
  if (onset === null || finding.opened_step === null || onset >= finding.opened_step) return ''
  return `began at step ${group(onset)}, seen at step ${group(finding.opened_step)}`
}

/** `rose 5.2× at step 33, 1 step before the norm`. */
export function movedWords({ before, after, ratio, at_step, lead }: Moved): string {
  return `${changeWords(before, after, ratio)} at step ${group(at_step)}, ${leadWords(lead)}`
}

/** What stands in the place of a cause where none is known. */
export function noCauseWords(finding: Finding & Partial<FindingStory>, logged: readonly string[]): string {
  // What was logged cannot say why nothing arrives any more.
  if (finding.kind === 'stalled')
    return 'The training may have ended or hang, or it no longer reaches this server.'
  return `No cause found. ${lookedAtWords(finding, logged)}`
}

/** What causes are made of, and what it is called. */
const LOOKED_AT = { loss: 'loss', lr: 'lr', loss_scale: 'loss scale' } as const
const GRADIENTS = /^(grad_norm|max_norm|clip_fraction|post_norm|skipped)(\/|$)/

/**
 * Where a cause was looked for, and what was not logged: `Looked at norm, loss, lr and 40 more metrics; loss scale was not
 * logged.` Other metrics count only where the server has looked for what moved.
 */
export function lookedAtWords(finding: Finding & Partial<FindingStory>, logged: readonly string[]): string {
  const has = (metric: string) => logged.some((name) => name === metric || name.startsWith(`${metric}/`))
  const known = Object.entries(LOOKED_AT)
  const seen = ['norm', ...known.filter(([metric]) => has(metric)).map(([, word]) => word)]
  const absent = known.filter(([metric]) => !has(metric)).map(([, word]) => word)
  const others = logged.filter(
    (name) =>
      !GRADIENTS.test(name) && !known.some(([metric]) => name === metric || name.startsWith(`${metric}/`)),
  )
  if (finding.moved !== undefined && others.length > 0) seen.push(counted(others.length, 'more metric'))
  const missing =
    absent.length === 0 ? '' : `; ${listed(absent)} ${absent.length === 1 ? 'was' : 'were'} not logged`
  return `Looked at ${listed(seen)}${missing}.`
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`
}

function changeWords(before: Moved['before'], after: Moved['after'], ratio: Moved['ratio']): string {
  const [from, to, factor] = [before, after, ratio].map((value) => decodeNumber(value) ?? NaN) as [
    number,
    number,
    number,
  ]
  if (Number.isNaN(to) || !Number.isFinite(to)) return `became ${Number.isNaN(to) ? 'NaN' : figure(to)}`
  if (factor > 0 && Number.isFinite(factor))
    return factor >= 1 ? `rose ${multiple(factor, 1)}` : `fell to ${multiple(factor, 1)}`
  return `went from ${figure(from)} to ${figure(to)}`
}

function leadWords(lead: number): string {
  if (lead === 0) return 'with the norm'
  const steps = `${group(Math.abs(lead))} step${Math.abs(lead) === 1 ? '' : 's'}`
  return `${steps} ${lead < 0 ? 'before' : 'after'} the norm`
}
