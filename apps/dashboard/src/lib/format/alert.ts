import type { Channel, ChannelKind, Delivery, Mute } from '@normwatch/protocol'
import { kindWords } from '#lib/format/health.ts'
import { counted } from '#lib/format/number.ts'
import { duration } from '#lib/format/time.ts'

/** How each kind of channel is called. */
export const CHANNEL_WORDS: Record<ChannelKind, string> = {
  webhook: 'Webhook',
  slack: 'Slack',
  discord: 'Discord',
  email: 'Email',
}

/** Shape and word of each state, so that nothing is told by colour alone. */
export const DELIVERY_SIGNS: Record<Delivery['state'], { readonly shape: string; readonly word: string }> = {
  pending: { shape: '…', word: 'waiting' },
  sent: { shape: '✓', word: 'delivered' },
  failed: { shape: '✕', word: 'failed' },
}

/** Where a channel posts to, as a person writes it. */
export function addressWords({ kind, url }: Pick<Channel, 'kind' | 'url'>): string {
  return kind === 'email' ? url.replace(/^mailto:/i, '').replaceAll(',', ', ') : url
}

type Filters = Pick<Channel, 'min_severity' | 'kinds' | 'project' | 'tag' | 'text' | 'remind_hours'>

/** What a channel is notified of, in one sentence. */
export function filterSentence({ min_severity, kinds, project, tag, text, remind_hours }: Filters): string {
  const what = kinds === null ? 'everything' : kinds.map(kindWords).join(', ')
  const runs = [
    project !== null && `of the project ${project}`,
    tag !== null && `tagged #${tag}`,
    text !== null && `whose ID, name or project contains “${text}”`,
  ].filter(Boolean)
  const where = runs.length === 0 ? 'in all runs' : `in runs ${runs.join(', ')}`
  const reminder = remind_hours === null ? '' : `; one reminder after ${counted(remind_hours, 'hour')}`
  return `Notified of ${what} ${where}${SEVERITY_WORDS[min_severity]}${reminder}.`
}
const SEVERITY_WORDS: Record<Channel['min_severity'], string> = {
  info: '',
  warning: ', warning or higher',
  critical: ', critical only',
}

/** What a mute holds back, in words. */
export function muteWords({ run, project, kind }: Pick<Mute, 'run' | 'project' | 'kind'>): string {
  const what = kind === null ? 'Everything' : kindWords(kind).replace(/^./, (first) => first.toUpperCase())
  const where = [run !== null && `in the run ${run}`, project !== null && `of the project ${project}`]
  return [what, ...where].filter(Boolean).join(' ')
}

/** What a message that was not delivered waits for, at `now` in milliseconds: `next try in 4 min`; empty where nothing. */
export function waitWords({ state, muted, tries, next_try_at }: Delivery, now: number): string {
  if (state !== 'pending') return ''
  if (muted) return 'held by a mute'
  if (next_try_at === null) return 'queued behind an earlier message'
  const seconds = Math.ceil((Date.parse(next_try_at) - now) / 1000)
  if (seconds <= 0) return 'sending'
  return `${tries === 0 ? 'sends' : 'next try'} in ${duration(seconds)}`
}

/** Of each channel the newest message, from a list with the newest first. */
export function newestOfChannels(deliveries: readonly Delivery[]): readonly Delivery[] {
  return deliveries.filter(
    ({ channel }, i) => deliveries.findIndex((other) => other.channel === channel) === i,
  )
}

/** How often a message was tried: `1 try`, `3 tries`. */
export const tryWords = (tries: number): string => (tries === 1 ? '1 try' : `${tries} tries`)

/** What a message told, in words: `opening: clipping is saturated`, or how many events it grouped. */
export function eventWords({ events, event_count }: Pick<Delivery, 'events' | 'event_count'>): string {
  const [first] = events
  if (event_count !== 1 || first === undefined) return counted(event_count, 'event')
  return `${EVENT_WORDS[first.type]}: ${kindWords(first.kind)}`
}

/** What a message told of one finding: `opening`. A group names but its first findings: of the others it `told`. */
export function tellingOf({ events }: Pick<Delivery, 'events'>, finding: string): string {
  const event = events.findLast((event) => event.finding === finding)
  return event === undefined ? 'told' : EVENT_WORDS[event.type]
}
const EVENT_WORDS: Record<Delivery['events'][number]['type'], string> = {
  'finding.opened': 'opening',
  'finding.closed': 'closing',
  'finding.reminder': 'reminder',
}
