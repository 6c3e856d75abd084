import type { StoredChannel } from '../../storage/alert-store.ts'
import type { Message } from '../messages/message.ts'
import type { Answer } from '../retry-schedule.ts'

/** Tries once to bring a message to a channel and tells what came of it. Never rejects; ends soon after `signal`. */
export type Sender = (
  message: Message,
  channel: StoredChannel,
  context: { readonly now: number; readonly signal: AbortSignal },
) => Promise<Answer>
