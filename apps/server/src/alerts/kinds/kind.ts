import type { StoredChannel } from '../../storage/alert-store.ts'
import type { AddressGuard } from '../address-guard.ts'
import type { Message } from '../messages/message.ts'
import type { Answer } from '../retry-schedule.ts'
import type { SmtpSettings } from './email.ts'

/** Tries once to send a message to a channel and returns the result. Never rejects; ends soon after `signal`. */
export type Sender = (
  message: Message,
  channel: StoredChannel,
  context: { readonly now: number; readonly signal: AbortSignal },
) => Promise<Answer>

export interface SenderOptions {
  readonly guard: AddressGuard
  /** `null`: email channels fail with an explanation. */
  readonly smtp: SmtpSettings | null
  readonly timeoutMs: number
}

/** Everything specific to one kind of channel. */
export interface Kind {
  /**
   * Checks an address as entered. Throws `ChannelAddressInvalid`, or `AddressRefused` for an IP address that
   * is not public; the addresses of a host name are checked at each send.
   */
  checkAddress(url: string, guard: AddressGuard): void
  /** The address as replies show it: with its secret part masked. */
  shownAddress(url: string): string
  /** The default name of a channel. */
  defaultName(url: string): string
  /** Whether its messages are signed: then each channel gets a secret. */
  readonly isSigned: boolean
  sender(options: SenderOptions): Sender
}

/** This kind of channel cannot send to the address; `message` says why. */
export class ChannelAddressInvalid extends Error {
  override readonly name = 'ChannelAddressInvalid'
}
