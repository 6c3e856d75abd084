import type { ChannelKind } from '@normwatch/protocol'
import { discord } from './discord.ts'
import { email } from './email.ts'
import type { Kind, Sender, SenderOptions } from './kind.ts'
import { slack } from './slack.ts'
import { webhook } from './webhook.ts'

/** Every kind of channel. A new one is a record in a file of its own, and a line here. */
export const channelKinds: Readonly<Record<ChannelKind, Kind>> = { webhook, slack, discord, email }

/** How long a receiver may take, from the Standard Webhooks specification. */
export const SEND_TIMEOUT_MS = 15_000

/** The sender of every kind of channel, as one. */
export function createSender(options: SenderOptions): Sender {
  const senders = Object.fromEntries(
    Object.entries(channelKinds).map(([name, kind]) => [name, kind.sender(options)]),
  ) as Record<ChannelKind, Sender>
  return (message, channel, context) => senders[channel.kind](message, channel, context)
}
