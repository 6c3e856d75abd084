import type { Token } from '@normwatch/protocol'

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
