import { post } from '../post.ts'
import type { Message } from '../messages/message.ts'
import type { StoredChannel } from '../../storage/alert-store.ts'
import { ChannelAddressInvalid, type Kind } from './kind.ts'

/** What differs between the kinds that are sent by HTTP POST. */
interface HttpForm extends Pick<Kind, 'shownAddress' | 'isSigned'> {
  /** The JSON to post. */
  body(message: Message): unknown
  /** Headers besides the usual ones; `body` as it is sent, `now` in milliseconds since 1970. */
  headers?(message: Message, body: string, channel: StoredChannel, now: number): Record<string, string>
}

/** A kind of channel whose messages are posted as JSON to an http or https address. */
export function httpKind({ body, headers, ...form }: HttpForm): Kind {
  return {
    ...form,
    checkAddress(url, guard) {
      const target = URL.parse(url)
      if (target === null || !['http:', 'https:'].includes(target.protocol)) {
        throw new ChannelAddressInvalid('The url must be an http or https URL.')
      }
      if (target.username !== '' || target.password !== '') {
        throw new ChannelAddressInvalid('The url must not hold a user name or password.')
      }
      guard.refuseLiteral(target.hostname)
    },
    defaultName: (url) => new URL(url).hostname.slice(0, 128),
    sender({ guard, timeoutMs }) {
      return (message, channel, { now, signal }) => {
        const text = JSON.stringify(body(message))
        const more = headers?.(message, text, channel, now) ?? {}
        return post(channel.url, text, more, { guard, timeoutMs, signal })
      }
    },
  }
}

/** Only the origin: for services whose address is a secret. */
export const shownOrigin = (url: string): string => `${new URL(url).origin}/…`
