import { AddressGuard, systemResolve } from './address-guard.ts'
import { channelKinds } from './kinds/kinds.ts'

/** The longest an alert may be held back to be grouped. */
const MAX_GROUP_SECONDS = 3_600

/** Readers of settings: the value of a text, or an `Error` whose sentence begins after the setting's name. */
export function readGroupSeconds(text: string): number {
  const seconds = Number(text)
  if (!/^\d{1,4}$/.test(text) || seconds > MAX_GROUP_SECONDS) {
    throw new Error(`is "${text}"; it must be a number of seconds from 0 to ${MAX_GROUP_SECONDS}.`)
  }
  return seconds
}

/** Addresses and CIDR ranges as `AddressGuard` takes them. */
export function readAllowedAddresses(text: string): string {
  const list = text === 'none' ? '' : text
  try {
    new AddressGuard(list, systemResolve)
  } catch (error) {
    throw new Error(`is wrong: ${(error as Error).message}`, { cause: error })
  }
  return list
}

/** Without a slash at its end. */
export function readPublicUrl(text: string): string | undefined {
  if (text === 'none') return undefined
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new Error(`is "${text}"; it must be an http or https URL without a query.`)
  }
  return url.href.replace(/\/+$/, '')
}

/** It may hold a password, so no error repeats it. */
export function readSmtpUrl(text: string): string | undefined {
  if (text === 'none') return undefined
  const url = URL.parse(text)
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '') {
    throw new Error('is not an SMTP URL: it must be like smtp://user:password@host:587 or smtps://…')
  }
  return text
}

export function readSmtpFrom(text: string): string | undefined {
  if (text === 'none') return undefined
  try {
    channelKinds.email.checkAddress(`mailto:${text}`, new AddressGuard('', systemResolve))
  } catch {
    throw new Error(`is "${text}"; it must be an email address.`)
  }
  return text
}
