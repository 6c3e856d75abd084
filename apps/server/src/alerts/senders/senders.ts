import type { AddressGuard } from '../address-guard.ts'
import { discordBody } from '../messages/discord-embed.ts'
import { slackBody } from '../messages/slack-blocks.ts'
import { webhookBody } from '../messages/webhook-body.ts'
import { liveSecrets, signedHeaders } from '../signature.ts'
import { emailSender, type SmtpSettings } from './email.ts'
import { post } from './post.ts'
import type { Sender } from './sender.ts'

/** How long a receiver may take, from the Standard Webhooks specification. */
export const SEND_TIMEOUT_MS = 15_000

export interface SenderOptions {
  readonly guard: AddressGuard
  /** `null`: email channels fail with a sentence that says so. */
  readonly smtp: SmtpSettings | null
  readonly timeoutMs: number
}

/** The sender of every kind of channel, as one. */
export function createSender({ guard, smtp, timeoutMs }: SenderOptions): Sender {
  const email = emailSender(smtp, timeoutMs)
  return (message, channel, context) => {
    const send = (body: string, headers: Readonly<Record<string, string>> = {}) =>
      post(channel.url, body, headers, { guard, timeoutMs, signal: context.signal })
    switch (channel.kind) {
      case 'webhook': {
        const body = JSON.stringify(webhookBody(message))
        return send(body, signedHeaders(message.id, body, liveSecrets(channel, context.now), context.now))
      }
      case 'slack':
        return send(JSON.stringify(slackBody(message)))
      case 'discord':
        return send(JSON.stringify(discordBody(message)))
      case 'email':
        return email(message, channel, context)
    }
  }
}
