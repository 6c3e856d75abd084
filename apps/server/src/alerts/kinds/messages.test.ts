import fc from 'fast-check'
import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { findingKinds } from '@normwatch/detector'
import { MAX_EVENTS_PER_MESSAGE, SEVERITIES, WebhookBodySchema } from '@normwatch/protocol'
import type { QueuedEvent } from '../../storage/alert-store.ts'
import { aFinding, aRun } from '../fixtures/event.ts'
import { discordBody } from './discord.ts'
import { emailContent } from './email-content.ts'
import { messageOf, testMessage } from '../messages/message.ts'
import { slackBody } from './slack.ts'
import { webhookBody } from './webhook.ts'

const url = 'https://norms.example'
const { url: _url, tags: _tags, ...run } = aRun()
const opened: QueuedEvent = { type: 'finding.opened', at: 1_000, finding: aFinding(), run }
const closing = aFinding({
  state: 'closed',
  closed_step: 900,
  closed_at: Date.UTC(2026, 0, 1, 13),
  close_reason: 'recovered',
})
const closed: QueuedEvent = { ...opened, type: 'finding.closed', at: 2_000, finding: closing }
const storm = Array.from({ length: 200 }, (_, i): QueuedEvent => {
  return {
    ...opened,
    at: i,
    finding: aFinding({ id: `f-${i}` }),
    run: { ...run, id: `run-${i}`, name: `seed ${i}` },
  }
})
const textOf = (body: unknown) => JSON.stringify(body)

describe('a message of one finding', () => {
  const message = messageOf('msg_1', [opened], `${url}/`)

  it('names kind and project in its heading, however long the names of run, part and project are', () => {
    const long = { ...run, name: 'n'.repeat(256), project: `vision-${'p'.repeat(121)}` }
    for (const type of ['finding.opened', 'finding.closed', 'finding.reminder'] as const) {
      const finding = { ...(type === 'finding.closed' ? closing : aFinding()), part: 'g'.repeat(64) }
      const heading = messageOf('msg_1', [{ ...opened, type, finding, run: long }], url)
      const [header] = slackBody(heading).blocks as unknown as [{ text: { text: string } }]
      expect(header.text.text).toMatch(/Clipping saturated in g+…: n+… \(vision-p+…\)$/)
      expect(discordBody(heading).embeds[0]?.title.replaceAll('\\', '')).toMatch(/\(vision-p+…\)$/)
    }
  })

  it('is the body of the wire contract for a generic webhook', () => {
    expect(webhookBody(message)).toMatchObject({
      type: 'finding.opened',
      timestamp: '1970-01-01T00:00:01.000Z',
      data: {
        finding: { id: 'f-1', kind: 'clip_saturated' },
        run: { id: 'run-1', url: `${url}/runs/run-1` },
      },
    })
    expect(Value.Check(WebhookBodySchema, webhookBody(message))).toBe(true)
  })
  it.each([
    ['Slack', textOf(slackBody(message))],
    ['Discord', textOf(discordBody(message)).replaceAll('\\\\', '')],
    ['email text', emailContent(message).text],
    ['email HTML', emailContent(message).html],
  ])('names run, figures, cause and link on %s', (_kind, text) => {
    for (const part of [
      'Clipping saturated',
      'clip 1.0',
      'toy-rnn',
      '420',
      '95%',
      '3.1',
      'max_norm 1',
      '0.82',
      url,
    ]) {
      expect(text).toContain(part)
    }
  })
  it('says how and where a finding ended', () => {
    const ended = emailContent(messageOf('msg_1', [closed], url))
    expect(ended.subject).toBe('[Normwatch] Ended: Clipping saturated: clip 1.0 (toy-rnn)')
    expect(ended.text).toContain('step 900, recovered')
  })
  it('does not claim that a run that only logs its norm clips', () => {
    const logOnly = { ...opened, run: { ...run, clip: { mode: 'none', max_norm: 2 } as const } }
    const { subject, text } = emailContent(messageOf('msg_1', [logOnly], url))
    expect(subject).toContain('Norm above the reference cap')
    expect(text).toContain('reference cap of 2')
  })
  it('says what moved with it and what happened before it, a sentence each, in every form', () => {
    const finding = aFinding({
      moved: [
        { metric: 'actor/kl', before: 1, after: 5.2, ratio: 5.2, at_step: 33, lead: -1, effect: 9 },
        { metric: 'reward', before: 0.5, after: -0.5, ratio: null, at_step: 34, lead: 0, effect: 8 },
        { metric: 'turns', before: 16, after: 2, ratio: 0.125, at_step: 36, lead: 2, effect: 7 },
      ],
      events: [{ step: 30, time: 0, label: 'stage 2', text: null }],
    })
    const one = messageOf('msg_1', [{ ...opened, finding }], url)
    const plain = (body: unknown) => textOf(body).replaceAll('\\\\', '')
    for (const body of [slackBody(one), discordBody(one), emailContent(one).text, emailContent(one).html]) {
      expect(plain(body)).toContain('actor/kl rose 5.2× at step 33, one step before the norm')
      expect(plain(body)).toContain('reward went from 0.5 to -0.5 at step 34, with the norm')
      expect(plain(body)).toContain('turns fell to 0.13× at step 36, 2 steps after the norm')
      expect(plain(body)).toContain('step 30: stage 2')
    }
    expect(Value.Check(WebhookBodySchema, webhookBody(one))).toBe(true)
  })
  it('says so when no cause was found', () => {
    const bare = { ...opened, finding: aFinding({ diagnosis: [] }) }
    expect(emailContent(messageOf('msg_1', [bare], url)).text).toContain('No cause found in the logged data.')
  })
})

describe('a grouped message', () => {
  const message = messageOf('msg_1', storm, url)

  it('holds every event for a program, and a summary for a reader', () => {
    const body = webhookBody(message)
    expect(Value.Check(WebhookBodySchema, body)).toBe(true)
    expect(body.type === 'finding.group' && body.data.events).toHaveLength(200)
    expect(emailContent(message).subject).toBe('[Normwatch] 200 findings in 200 runs: 200 opened')
    expect(emailContent(message).text).toContain('and 100 more')
    expect(textOf(slackBody(message))).toMatch(/and \d+ more/)
    expect(textOf(discordBody(message))).toMatch(/and \d+ more/)
  })
  it('counts what opened and what ended', () => {
    expect(emailContent(messageOf('msg_1', [opened, closed], url)).subject).toBe(
      '[Normwatch] 2 findings in 1 run: 1 opened, 1 ended',
    )
  })
  it('stays under a megabyte at its largest', () => {
    const events = Array.from({ length: MAX_EVENTS_PER_MESSAGE }, () => opened)
    expect(textOf(webhookBody(messageOf('msg_1', events, url))).length).toBeLessThan(1_000_000)
  })
})

describe('text from outside', () => {
  const hostile = '<!channel> @everyone [x](http://evil) <script>alert(1)</script> & "q"\r\nBcc: a@b'
  const event = { ...opened, run: { ...run, name: hostile, project: hostile } }
  const message = messageOf('msg_1', [event], url)

  it('mentions nobody and makes no link, tag or header', () => {
    const { text, blocks } = slackBody(message)
    const formatted = blocks.filter(({ type }) => type !== 'header')
    expect(text + textOf(formatted)).not.toContain('<!channel>')
    expect(blocks[0]).toMatchObject({ text: { type: 'plain_text' } })
    expect(discordBody(message).allowed_mentions).toEqual({ parse: [] })
    expect(textOf(discordBody(message))).not.toContain('[x](http')
    expect(emailContent(message).html).not.toContain('<script>')
    expect(emailContent(message).subject).not.toMatch(/[\r\n]/)
  })

  const text = fc.string({
    maxLength: 400,
    unit: fc.constantFrom('<', '&', '*', '\\', '😀', 'a', '\n', '|', ']'),
  })
  const anyEvent = fc
    .record({
      type: fc.constantFrom('finding.opened', 'finding.closed', 'finding.reminder'),
      kind: fc.constantFrom(...Object.keys(findingKinds)),
      severity: fc.constantFrom(...SEVERITIES),
      name: text,
      evidence: fc.dictionary(text, fc.oneof(text, fc.double(), fc.constant(null)), { maxKeys: 20 }),
      because: fc.array(fc.string({ maxLength: 3_000 }), { maxLength: 12 }),
    })
    .map(({ type, kind, severity, name, evidence, because }): QueuedEvent => {
      const diagnosis = because.map((sentence) => ({
        cause: 'norm_growth',
        weight: 0.5,
        because: sentence,
        look_at: 'x',
      }))
      const finding = aFinding({ kind, severity, evidence: evidence as never, diagnosis })
      return { type: type as QueuedEvent['type'], at: 0, finding, run: { ...run, name, project: name } }
    })

  it('never makes a message that its receiver refuses for its size', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 30 }), (events) => {
        const any = messageOf('msg_1', events, url)
        const slack = slackBody(any)
        expect(slack.blocks.length).toBeLessThanOrEqual(50)
        for (const block of slack.blocks as { text?: { text: string }; fields?: { text: string }[] }[]) {
          expect(block.text?.text.length ?? 1).toBeGreaterThan(0)
          expect(block.text?.text.length ?? 0).toBeLessThanOrEqual(3_000)
          expect(block.fields?.length ?? 0).toBeLessThanOrEqual(10)
          for (const field of block.fields ?? []) expect(field.text.length).toBeLessThanOrEqual(2_000)
        }
        expect(slack.blocks[0]).toMatchObject({ type: 'header' })
        const embed = discordBody(any).embeds[0] as {
          title: string
          description: string
          fields?: { name: string; value: string }[]
        }
        const fields = embed.fields ?? []
        expect(fields.length).toBeLessThanOrEqual(25)
        for (const { name, value } of fields) expect(Math.min(name.length, value.length)).toBeGreaterThan(0)
        const total = fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0)
        expect(total + embed.title.length + embed.description.length).toBeLessThanOrEqual(6_000)
        expect(emailContent(any).subject.length).toBeLessThanOrEqual(220)
        expect(textOf(webhookBody(any)).isWellFormed()).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a test message', () => {
  it('has the form of a real one and says what it is', () => {
    const message = testMessage('msg_1', url, 0)
    expect(Value.Check(WebhookBodySchema, webhookBody(message))).toBe(true)
    expect(webhookBody(message).type).toBe('channel.test')
    expect(slackBody(message).text).toContain('Test message')
  })
})

it('mentions nobody and makes no link in Mattermost, which takes the body of Slack', () => {
  const name = '@all @here [click](https://evil.example)'
  const { text } = slackBody(messageOf('msg_1', [{ ...opened, run: { ...run, name } }], url))
  expect(text).not.toMatch(/@(all|here)|\]\(/)
})
