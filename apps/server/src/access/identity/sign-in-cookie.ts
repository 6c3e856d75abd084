import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyRequest } from 'fastify'
import type { SignInChecks } from './provider.ts'

/** A sign-in that is under way at the provider. */
export interface PendingSignIn extends SignInChecks {
  /** The place that was asked for: the sign-in page decides whether to go there. */
  readonly to: string | null
}

/** How long a person may take at the provider, in milliseconds. */
const LIVES_MS = 10 * 60_000
const MAX_COOKIE = 4_000
const PREFIX = 'normwatch_sign_in_'

/** Each sign-in has a cookie of its own, so that several tabs may sign in at once. */
export const signInCookie = (state: string): string => PREFIX + state.slice(0, 16)

/** Sent with the provider's redirect, which comes from another site, and to the one route that reads it. */
export function signInCookieOptions(
  { protocol }: Pick<FastifyRequest, 'protocol'>,
  basePath: string,
): CookieSerializeOptions {
  return {
    path: `${basePath}/api/v1/session/oidc/callback`,
    httpOnly: true,
    sameSite: 'lax',
    secure: protocol === 'https',
    maxAge: LIVES_MS / 1_000,
  }
}

/**
 * The cookie's value. It ties the sign-in to the browser that began it, on whichever server it ends. It is neither signed nor
 * stored: anybody can have this server make one, so that a signature would prove nothing. What proves the sign-in is the
 * provider's answer, which holds the same nonce and comes for the same verifier; no stranger can read them in this browser.
 */
export function writeSignIn(pending: PendingSignIn, now: number): string {
  const text = (to: string | null) => encode({ ...pending, to, until: now + LIVES_MS })
  const value = text(pending.to)
  // A cookie that is too long would be dropped: rather lead home.
  return value.length <= MAX_COOKIE ? value : text(null)
}

/** The sign-in of a cookie; `undefined` where it is over, of another name, or no such cookie. */
export function readSignIn(
  cookie: string | undefined,
  state: string,
  now: number,
): PendingSignIn | undefined {
  if (cookie === undefined || cookie.length > MAX_COOKIE) return undefined
  let fields: Partial<Record<keyof PendingSignIn | 'until', unknown>>
  try {
    fields = JSON.parse(Buffer.from(cookie, 'base64url').toString('utf8')) ?? {}
  } catch {
    return undefined
  }
  const { state: begun, nonce, verifier, to, until } = fields
  if (begun !== state || typeof nonce !== 'string' || typeof verifier !== 'string') return undefined
  if (typeof until !== 'number' || until <= now) return undefined
  return { state, nonce, verifier, to: typeof to === 'string' ? to : null }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
