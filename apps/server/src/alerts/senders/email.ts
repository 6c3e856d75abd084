import { emailContent } from '../messages/email.ts'
import { bounded } from '../messages/wording.ts'
import { recipientsOf } from '../channel-address.ts'
import { orAborted } from '../or-aborted.ts'
import type { Answer } from '../retry-schedule.ts'
import type { Sender } from './sender.ts'

export interface SmtpSettings {
  /** `smtp://user:password@host:587` or `smtps://…`. */
  readonly url: string
  readonly from: string
}

const failure = (error: string, status: number | null = null): Answer => ({
  status,
  ok: false,
  error: bounded(error, 300),
  body: null,
  retryAfter: null,
})

/** Sends by the operator's SMTP server; the message's id is its Message-ID, so that repeats can be told. */
export function emailSender(smtp: SmtpSettings | null, timeoutMs: number): Sender {
  return async (message, channel, { signal }) => {
    if (smtp === null) return failure('This server has no SMTP server (NORMWATCH_SMTP_URL).')
    // Most servers never send one: its library is loaded with the first.
    const { createTransport } = await import('nodemailer')
    const transport = createTransport({
      url: smtp.url,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      dnsTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      const sending = transport.sendMail({
        from: smtp.from,
        to: recipientsOf(channel.url),
        messageId: `<${message.id}@normwatch>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
        ...emailContent(message),
      })
      const sent = await orAborted(sending, deadline)
      const status = Number.parseInt(sent.response, 10)
      return {
        status: status || null,
        ok: true,
        error: null,
        body: bounded(sent.response, 1_024),
        retryAfter: null,
      }
    } catch (error) {
      const { responseCode, message: why } = error as Error & { responseCode?: number }
      return failure(`The mail server did not take the message: ${why}`, responseCode ?? null)
    } finally {
      transport.close()
    }
  }
}
