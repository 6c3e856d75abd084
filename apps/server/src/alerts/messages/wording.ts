import { causeTitle, layerWords, movedWords, siblingWords, wordsOfKind } from '@normwatch/detector'
import { decodeNumber, type Clip } from '@normwatch/protocol'
import type { Message, MessageEvent } from './message.ts'

const PREFIXES = { 'finding.opened': '', 'finding.closed': 'Ended: ', 'finding.reminder': 'Still open: ' }
const CLOSE_REASONS = {
  recovered: 'recovered',
  run_finished: 'the run finished',
  run_failed: 'the run failed',
  run_preempted: 'the run was preempted',
  settings_changed: 'the settings changed',
}
/** Figures and causes shown per event; the run's page has all of them. */
const MAX_FIGURES = 8
const MAX_CAUSES = 3
/** Of a headline, so that the project still fits into Slack's 150 characters. */
const MAX_NAME = 48
const MAX_PROJECT = 32
const MAX_PART = 20

/** The text, cut to at most `max` UTF-16 units without halving a character; a cut shows as `…`. */
export function bounded(text: string, max: number): string {
  if (text.length <= max) return text
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** As many whole lines as fit into `max` UTF-16 units, and how many more there are. No line is cut: links stay whole. */
export function fitted(lines: readonly string[], max: number): string {
  const more = (left: number) => `and ${left} more`
  let text = ''
  for (const [index, line] of lines.entries()) {
    const reserve = index === lines.length - 1 ? 0 : more(lines.length).length + 1
    if (text.length + line.length + 1 + reserve > max) return text + more(lines.length - index)
    text += `${line}\n`
  }
  return text.trimEnd()
}

/** One line without line breaks: what happened, in which run. */
export function headline({ type, finding, run }: MessageEvent): string {
  const { title, titleLogOnly = title } = wordsOfKind(finding.kind)
  const where = finding.part === null ? '' : ` in ${bounded(oneLine(finding.part), MAX_PART)}`
  const what = run.clip.mode === 'none' ? titleLogOnly : title
  const [name, project] = [bounded(oneLine(run.name), MAX_NAME), bounded(oneLine(run.project), MAX_PROJECT)]
  return `${PREFIXES[type]}${what}${where}: ${name} (${project})`
}

/** One line that summarises a whole message. */
export function subject({ type, events }: Message): string {
  if (type === 'channel.test') return 'Test message: this channel works'
  if (events.length === 1) return headline(events[0])
  const count = (wanted: MessageEvent['type']) => events.filter((event) => event.type === wanted).length
  const counts = [
    [count('finding.opened'), 'opened'],
    [count('finding.closed'), 'ended'],
    [count('finding.reminder'), 'still open'],
  ] as const
  const parts = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
  const runs = new Set(events.map(({ run }) => run.id)).size
  return `${events.length} findings in ${runs} ${runs === 1 ? 'run' : 'runs'}: ${parts.join(', ')}`
}

/** The figures of an event as label and value: when, how the run clips, and the finding's evidence. */
export function figures({ finding, run }: MessageEvent): [string, string][] {
  const rows: [string, string][] = [
    ...(finding.part === null ? [] : [['Part', oneLine(finding.part)] as [string, string]]),
    ['Severity', finding.severity],
    ['Since step', sinceText(finding)],
  ]
  if (finding.state === 'closed') {
    const reason = finding.close_reason === null ? 'closed' : CLOSE_REASONS[finding.close_reason]
    rows.push(['Ended', finding.closed_step === null ? reason : `step ${finding.closed_step}, ${reason}`])
  }
  rows.push(['Clipping', clipText(run.clip)])
  if (run.clipping.rate !== null) {
    rows.push([
      'Steps over the cap',
      `${percent(run.clipping.rate)} of the last ${run.clipping.window} points`,
    ])
  }
  const evidence = Object.entries(finding.evidence).filter(([, value]) => value !== null)
  for (const [key, value] of evidence.slice(0, MAX_FIGURES)) {
    rows.push([
      bounded(oneLine(key.replaceAll('_', ' ')), 60) || '–',
      bounded(figure(key, value), 200) || '–',
    ])
  }
  return rows
}

/** `58`, or `34, seen at step 58` if it began earlier than it was seen. */
function sinceText({ onset, opened_step: seen }: MessageEvent['finding']): string {
  if (seen === null) return 'unknown'
  // Findings queued by versions without onsets have none.
  return typeof onset === 'number' && onset < seen ? `${onset}, seen at step ${seen}` : String(seen)
}

/** The likeliest causes, a sentence each with what to look at; one sentence if none was found. */
export function causes({ finding }: MessageEvent): string[] {
  if (finding.diagnosis.length === 0) return ['No cause found in the logged data.']
  return [...finding.diagnosis]
    .sort((a, b) => b.weight - a.weight)
    .slice(0, MAX_CAUSES)
    .map(({ cause, because, look_at }) =>
      bounded(oneLine(`${causeTitle(cause)}: ${because}${look_at ? ` Look at: ${look_at}` : ''}`), 600),
    )
}

/** What moved with the finding, in which layers, what happened shortly before it began, and how a healthy run differs: a sentence each. */
export function companions({ finding }: MessageEvent): string[] {
  const { moved, layers, events, sibling } = finding
  return [
    ...moved.map(movedWords),
    ...layers.map(layerWords),
    ...events.map(({ step, label, text }) => `step ${step}: ${label}${text ? ` (${text})` : ''}`),
    ...(sibling === null ? [] : [siblingWords(sibling)]),
  ].map((line) => bounded(oneLine(line), 300))
}

/** The link of a message. */
export const LINK_TEXT = 'Open the run'

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim()
const percent = (share: number) => `${Number((share * 100).toPrecision(3))}%`

function figure(key: string, value: unknown): string {
  const number = decodeNumber(value)
  if (number === undefined) return oneLine(String(value))
  if (/(^|_)(rate|share|fraction)($|_)/.test(key) && number >= 0 && number <= 1) return percent(number)
  return Number.isFinite(number) ? String(Number(number.toPrecision(4))) : String(number)
}

function clipText(clip: Clip): string {
  if (clip.mode === 'norm') return `by norm, max_norm ${clip.max_norm}`
  if (clip.mode === 'value') return `by value, ${clip.clip_value}`
  return typeof clip.max_norm === 'number'
    ? `none; judged against a reference cap of ${clip.max_norm}`
    : 'none (the norm is only logged)'
}
