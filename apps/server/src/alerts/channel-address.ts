import type { ChannelKind } from '@normwatch/protocol'
import type { AddressGuard } from './address-guard.ts'

const MAX_RECIPIENTS = 20

/** A channel's address is none that this kind can send to; `message` says why. */
export class ChannelAddressInvalid extends Error {
  override readonly name = 'ChannelAddressInvalid'
}

/**
 * Checks an address as somebody enters it. Throws `ChannelAddressInvalid`, or `AddressRefused` for an IP address that
 * is not public; what a host name leads to is judged at each send.
 */
export function checkChannelAddress(kind: ChannelKind, url: string, guard: AddressGuard): void {
  if (kind === 'email') {
    checkRecipients(url)
    return
  }
  const target = URL.parse(url)
  if (target === null || !['http:', 'https:'].includes(target.protocol)) {
    throw new ChannelAddressInvalid('The url must be an http or https URL.')
  }
  if (target.username !== '' || target.password !== '') {
    throw new ChannelAddressInvalid('The url must not hold a user name or password.')
  }
  guard.refuseLiteral(target.hostname)
}

/** Recipients of `mailto:a@example.org,b@example.org`. */
export function recipientsOf(url: string): string[] {
  return decodeURIComponent(url.replace(/^mailto:/i, '').replace(/\?.*$/, ''))
    .split(',')
    .map((address) => address.trim())
}

/**
 * The address as replies show it, without what would let its reader post: for Slack and Discord the path, for a webhook
 * the query. An email address is shown whole.
 */
export function shownAddress(kind: ChannelKind, url: string): string {
  if (kind === 'email') return url
  const { origin, pathname, search } = new URL(url)
  if (kind !== 'webhook') return `${origin}/…`
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
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
