import { resolve } from '$app/paths'
import { createApi } from '#lib/api/client.ts'
import { clock } from '#lib/state/clock.svelte.ts'
import { SessionState } from '#lib/state/session.svelte.ts'

/** The path that the dashboard is served at, without a slash at its end, and the API's below it. */
export const ROOT = resolve('/').replace(/\/$/, '')
export const API_ROOT = `${ROOT}/api/v1`

/**
 * The server's time is noted. A request refused for lack of a token leads to the sign-in page, and from there back; one that would
 * have changed something is refused in words, so that what a person has entered stays on the page.
 */
export const leadingToSignIn: typeof fetch = async (...request) => {
  const response = await fetch(...request)
  clock.hear(response.headers.get('date'))
  const { pathname, search } = location
  if (response.status === 401 && pathname !== resolve('/sign-in')) {
    if ((request[1]?.method ?? 'GET') !== 'GET') return signedOut()
    location.assign(`${resolve('/sign-in')}?${new URLSearchParams({ to: pathname + search })}`)
  }
  return response
}

const signedOut = () =>
  Response.json(
    {
      error: {
        code: 'signed_out',
        message:
          'You are no longer signed in. Sign in in another tab, then try again: what you entered stays here.',
        details: [],
      },
    },
    { status: 401 },
  )

export const api = createApi(API_ROOT, leadingToSignIn)
export const session = new SessionState(api)
