import { bounded } from '../messages/wording.ts'
import { orAborted } from '../or-aborted.ts'
import type { Answer } from '../retry-schedule.ts'
import { emailContent } from './email-content.ts'
import { ChannelAddressInvalid, type Kind, type Sender } from './kind.ts'

const MAX_RECIPIENTS = 20

/** The address is `mailto:` with one or more recipients. */
export const email: Kind = {
  checkAddress: checkRecipients,
  shownAddress: (url) => url,
  defaultName: (url) => url.replace(/^mailto:/i, '').slice(0, 128),
  isSigned: false,
  sender: ({ smtp, timeoutMs }) => emailSender(smtp, timeoutMs),
}

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

/** Sends through the operator's SMTP server; the message's id is its Message-ID, so that repeats can be recognised. */
function emailSender(smtp: SmtpSettings | null, timeoutMs: number): Sender {
  return async (message, channel, { signal }) => {
    if (smtp === null) return failure('This server has no SMTP server (NORMWATCH_SMTP_URL).')
    // Most servers never send email: the library is loaded with the first one.
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

/** Recipients of `mailto:a@example.org,b@example.org`. */
function recipientsOf(url: string): string[] {
  return decodeURIComponent(url.replace(/^mailto:/i, '').replace(/\?.*$/, ''))
    .split(',')
    .map((address) => address.trim())
}

function checkRecipients(url: string): void {
  if (!/^mailto:/i.test(url) || URL.parse(url) === null) {
    throw new ChannelAddressInvalid('The url of an email channel must be mailto: and one or more addresses.')
  }
  let recipients: string[]
  try {
    recipients = recipientsOf(url)
  } catch {
    throw new ChannelAddressInvalid('The url holds a broken percent-encoding.')
  }
  const bad = recipients.find((address) => !/^[^\s@<>,;:"\\]{1,64}@[^\s@<>,;:"\\]{1,190}$/.test(address))
  if (bad !== undefined) throw new ChannelAddressInvalid(`"${bad}" is not an email address.`)
  if (recipients.length > MAX_RECIPIENTS) {
    throw new ChannelAddressInvalid(`An email channel has at most ${MAX_RECIPIENTS} recipients.`)
  }
}
