import type { CookieSerializeOptions } from '@fastify/cookie'

export const SESSION_COOKIE = 'normwatch_session'
/** How long a browser stays signed in, in milliseconds; never longer than its token lives. */
export const SESSION_LIVES_MS = 7 * 24 * 3_600_000

/** Scripts cannot read it, other sites cannot send it, and over TLS it never travels in clear. */
export function cookieOptions(basePath: string, secure: boolean): CookieSerializeOptions {
  return { path: basePath === '' ? '/' : basePath, httpOnly: true, sameSite: 'strict', secure }
}
