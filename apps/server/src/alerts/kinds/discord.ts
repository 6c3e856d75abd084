import type { Severity } from '@normwatch/protocol'
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

const MAX_TITLE = 256
/** An embed may have 6,000 characters: this leaves room for the title and 13 fields. */
const MAX_DESCRIPTION = 2_800
const MAX_FIELD_NAME = 60
const MAX_FIELD_VALUE = 150

const COLOURS: Record<Severity, number> = { info: 0x3b82f6, warning: 0xd97706, critical: 0xdc2626 }
const ENDED = 0x16a34a

export const discord = httpKind({ body: discordBody, shownAddress: shownOrigin, isSigned: false })

/** Body for a Discord webhook: one embed within Discord's limits; it cannot mention anybody. */
export function discordBody(message: Message) {
  const { events } = message
  const [first] = events
  const open = events.find(({ type }) => type !== 'finding.closed')
  const embed = {
    title: bounded(escape(subject(message)), MAX_TITLE),
    color: open === undefined ? ENDED : COLOURS[open.finding.severity],
    timestamp: message.timestamp,
    ...(events.length === 1 ? oneEvent(first) : { description: manyEvents(events) }),
  }
  return { username: 'Normwatch', embeds: [embed], allowed_mentions: { parse: [] } }
}

function oneEvent(event: MessageEvent) {
  const reasons = causes(event).map((cause) => `- ${escape(cause)}`)
  const moved = companions(event).map((line) => `- ${escape(line)}`)
  return {
    description: fitted([link(LINK_TEXT, event.run.url), ...reasons, ...moved], MAX_DESCRIPTION),
    fields: figures(event).map(([label, value]) => ({
      name: bounded(escape(label), MAX_FIELD_NAME),
      value: bounded(escape(value), MAX_FIELD_VALUE),
      inline: true,
    })),
  }
}

function manyEvents(events: readonly MessageEvent[]): string {
  const lines = events.map((event) => `- ${link(escape(bounded(headline(event), 150)), event.run.url)}`)
  return fitted(lines, MAX_DESCRIPTION)
}

const link = (text: string, url: string) => `[${text}](<${url.replace(/[<>]/g, encodeURIComponent)}>)`
const escape = (text: string) => text.replace(/[\\*_~`|>[\]()#]/g, '\\$&')
