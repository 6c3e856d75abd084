import type { Scope, Token } from '@normwatch/protocol'

/** What each scope may do, in words. */
export const SCOPES: Readonly<Record<Scope, string>> = {
  write: 'For training jobs: create runs and send points.',
  read: 'For people and Prometheus: see everything, change nothing.',
  admin: 'For operators: everything.',
}

/** Whether a token counts at `now` (milliseconds), and in words until when. */
export function tokenState(
  { revoked_at, expires_at }: Pick<Token, 'revoked_at' | 'expires_at'>,
  now: number,
): { readonly valid: boolean; readonly words: string } {
  if (revoked_at !== null) return { valid: false, words: `revoked ${revoked_at.slice(0, 10)}` }
  if (expires_at === null) return { valid: true, words: 'valid' }
  const valid = Date.parse(expires_at) > now
  return { valid, words: `${valid ? 'until' : 'expired'} ${expires_at.slice(0, 10)}` }
}
