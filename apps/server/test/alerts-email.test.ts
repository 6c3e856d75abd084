import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AddressGuard, systemResolve } from '../src/alerts/address-guard.ts'
import { aChannel, aFinding, aRun } from '../src/alerts/fixtures/event.ts'
import { messageOf } from '../src/alerts/messages/message.ts'
import type { SmtpSettings } from '../src/alerts/kinds/email.ts'
import { createSender } from '../src/alerts/kinds/kinds.ts'
import { startTalker } from './alerts-receiver.ts'
import { freePort } from './free-port.ts'

interface Mail {
  readonly from: string
  readonly to: string[]
  readonly source: string
}

async function startSmtp(options: SMTPServerOptions = {}): Promise<{ port: number; mails: Mail[] }> {
  const mails: Mail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        mails.push({
          from,
          to: rcptTo.map(({ address }) => address),
          source: Buffer.concat(chunks).toString(),
        })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  const { server: tcp } = server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)))
  return { port: (tcp.address() as { port: number }).port, mails }
}

const name = 'a <b> & “c”\r\nBcc: mallory@example.org'
const { tags: _tags, ...run } = aRun({ name })
const message = messageOf(
  'msg_7',
  [{ type: 'finding.opened', at: 0, finding: aFinding(), run }],
  'https://n.example',
)

function send(url: string, smtp: SmtpSettings | null, timeoutMs = 15_000) {
  const guard = new AddressGuard('', systemResolve)
  const sender = createSender({ guard, smtp, timeoutMs })
  const signal = new AbortController().signal
  return sender(message, aChannel({ kind: 'email', url }), { now: 0, signal })
}
const from = 'normwatch@example.org'
const to = 'mailto:ann@example.org,bob@example.org'

describe('an email channel', () => {
  it('sends one mail to all its recipients, as text and HTML, with the id of the message', async () => {
    const { port, mails } = await startSmtp()
    const answer = await send(to, { url: `smtp://127.0.0.1:${port}`, from })
    expect(answer).toMatchObject({ ok: true, status: 250, error: null })
    expect(mails).toHaveLength(1)
    const { source, ...envelope } = mails[0] ?? expect.fail()
    expect(envelope).toEqual({ from, to: ['ann@example.org', 'bob@example.org'] })
    expect(source).toContain('Message-ID: <msg_7@normwatch>')
    expect(source).toMatch(/Content-Type: text\/plain/i)
    expect(source).toMatch(/Content-Type: text\/html/i)
    // a long line of quoted-printable text ends in `=` and goes on in the next
    expect(source.replaceAll('=\r\n', '')).toContain('https://n.example/runs/run-1')
    expect(source).not.toMatch(/^Bcc:/m)
  })
  it('logs in where the server asks for it', async () => {
    const { port, mails } = await startSmtp({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) =>
        username === 'user' && password === 'p@ss'
          ? done(null, { user: username })
          : done(new Error('Invalid username or password')),
    })
    expect(await send(to, { url: `smtp://user:p%40ss@127.0.0.1:${port}`, from })).toMatchObject({ ok: true })
    expect(mails).toHaveLength(1)
    const refused = await send(to, { url: `smtp://user:wrong@127.0.0.1:${port}`, from })
    expect(refused).toMatchObject({ ok: false, status: 535 })
    expect(refused.error).not.toContain('wrong')
  })
  it('says what the server refuses', async () => {
    const { port } = await startSmtp({
      onRcptTo: (_address, _session, done) => done(new Error('No such mailbox')),
    })
    expect(await send(to, { url: `smtp://127.0.0.1:${port}`, from })).toMatchObject({
      ok: false,
      status: 550,
      error: expect.stringContaining('No such mailbox'),
    })
  })
  it.each([
    ['is down', async () => freePort()],
    ['never greets', async () => startTalker('')],
    ['talks no SMTP', async () => startTalker('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('fails when the server %s', async (_name, port) => {
    const answer = await send(to, { url: `smtp://127.0.0.1:${await port()}`, from }, 300)
    expect(answer).toMatchObject({ ok: false, error: expect.stringMatching(/^The mail server/) })
  })
  it('says so when the operator set no SMTP server', async () => {
    expect(await send(to, null)).toMatchObject({
      ok: false,
      error: expect.stringContaining('NORMWATCH_SMTP_URL'),
    })
  })
})
