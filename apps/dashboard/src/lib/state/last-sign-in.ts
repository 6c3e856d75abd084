import { recall, remember } from '#lib/state/remembered.ts'

const KEY = 'signed-in-with-provider-at'
/** Milliseconds within which a browser is not led to the provider again: the session that it got there did not work. */
const LOOP_MS = 60_000

const isInstant = (value: unknown): value is number => typeof value === 'number'

/** Notes that this browser signed in with the provider at `now`, in milliseconds since 1970. */
export const noteProviderSignIn = (now: number): void => remember(KEY, now)

/** Notes that it signed out, or in with a token. */
export const forgetProviderSignIn = (): void => remember(KEY, 0)

/** Whether to lead this browser to the provider without asking: it signed in there last time, and that session is over. */
export function returnsToProvider(now: number): boolean {
  const at = recall(KEY, 0, isInstant)
  return at > 0 && now - at > LOOP_MS
}
