import type { Message, MessageEvent } from '../messages/message.ts'
import {
  bounded,
  causes,
  companions,
  figures,
  fitted,
  headline,
  LINK_TEXT,
  subject,
} from '../messages/wording.ts'
import { httpKind, shownOrigin } from './http-kind.ts'

const MAX_HEADER = 150
const MAX_SECTION = 3_000
const MAX_FIELD = 2_000
const MAX_FIELDS = 10

export const slack = httpKind({ body: slackBody, shownAddress: shownOrigin, isSigned: false })

/** Body for a Slack incoming webhook: Block Kit within Slack's limits, with a plain text for notifications. */
export function slackBody(message: Message) {
  const { events } = message
  const text = bounded(subject(message), MAX_HEADER)
  const header = { type: 'header', text: { type: 'plain_text', text, emoji: false } }
  const blocks = events.length === 1 ? oneEvent(events[0]) : manyEvents(events)
  return { text: escape(text), blocks: [header, ...blocks] }
}

function oneEvent(event: MessageEvent) {
  const fields = figures(event)
    .slice(0, MAX_FIELDS)
    .map(([label, value]) => markdown(`*${escape(label)}*\n${escape(value)}`, MAX_FIELD))
  const reasons = causes(event).map((cause) => `• ${escape(cause)}`)
  const moved = companions(event).map((line) => `• ${escape(line)}`)
  const link = `<${escape(event.run.url)}|${LINK_TEXT}>`
  return [
    { type: 'section', fields },
    { type: 'section', text: markdown(`*Causes*\n${reasons.join('\n')}`, MAX_SECTION) },
    ...(moved.length === 0
      ? []
      : [{ type: 'section', text: markdown(`*Around its beginning*\n${moved.join('\n')}`, MAX_SECTION) }]),
    { type: 'section', text: markdown(link, MAX_SECTION) },
  ]
}

function manyEvents(events: readonly MessageEvent[]) {
  const lines = events.map(
    (event) => `• <${escape(event.run.url)}|${escape(bounded(headline(event), 300)).replaceAll('|', '¦')}>`,
  )
  return [{ type: 'section', text: { type: 'mrkdwn', text: fitted(lines, MAX_SECTION) } }]
}

const markdown = (text: string, max: number) => ({ type: 'mrkdwn', text: bounded(text, max) })
/**
 * Slack's three control characters: without them no text can mention a channel or make a link. Mattermost, which takes
 * the same body, reads `@all` and `[text](url)` besides: an invisible space (U+200B) breaks both.
 */
const escape = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '@\u200b')
    .replaceAll('](', ']\u200b(')
