import type { Message, MessageEvent } from '../messages/message.ts'
import { bounded, causes, companions, figures, headline, LINK_TEXT, subject } from '../messages/wording.ts'

const MAX_SUBJECT = 200
/** Events that a grouped message lists; the others are only counted. */
const MAX_NAMED = 100

export interface EmailContent {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** An email as plain text and as HTML with the same content; the HTML has no images, scripts or outside styles. */
export function emailContent(message: Message): EmailContent {
  const { events } = message
  const title = bounded(subject(message), MAX_SUBJECT)
  const [text, html] = events.length === 1 ? oneEvent(events[0]) : manyEvents(events)
  return {
    subject: `[Normwatch] ${title}`,
    text: `${title}\n\n${text}\n`,
    html: `<!doctype html><html><body style="font-family:sans-serif"><h2>${escape(title)}</h2>${html}</body></html>`,
  }
}

function oneEvent(event: MessageEvent): [string, string] {
  const rows = figures(event)
  const reasons = causes(event)
  const moved = companions(event)
  const text = [
    ...rows.map(([label, value]) => `${label}: ${value}`),
    '',
    'Causes:',
    ...reasons.map((cause) => `- ${cause}`),
    '',
    ...(moved.length === 0 ? [] : ['Around its beginning:', ...moved.map((line) => `- ${line}`), '']),
    `${LINK_TEXT}: ${event.run.url}`,
  ]
  const cells = rows.map(
    ([label, value]) => `<tr><th align="left">${escape(label)}</th><td>${escape(value)}</td></tr>`,
  )
  const items = reasons.map((cause) => `<li>${escape(cause)}</li>`)
  return [
    text.join('\n'),
    `<table cellpadding="4">${cells.join('')}</table><h3>Causes</h3><ul>${items.join('')}</ul>` +
      (moved.length === 0
        ? ''
        : `<h3>Around its beginning</h3><ul>${moved.map((line) => `<li>${escape(line)}</li>`).join('')}</ul>`) +
      `<p>${anchor(LINK_TEXT, event.run.url)}</p>`,
  ]
}

function manyEvents(events: readonly MessageEvent[]): [string, string] {
  const named = events.slice(0, MAX_NAMED)
  const rest = events.length > MAX_NAMED ? `and ${events.length - MAX_NAMED} more` : ''
  return [
    [...named.map((event) => `- ${headline(event)}\n  ${event.run.url}`), rest].join('\n'),
    `<ul>${named.map((event) => `<li>${anchor(headline(event), event.run.url)}</li>`).join('')}</ul><p>${rest}</p>`,
  ]
}

const anchor = (text: string, url: string) => `<a href="${escape(url)}">${escape(text)}</a>`
const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escape = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
