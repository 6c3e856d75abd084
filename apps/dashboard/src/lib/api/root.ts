import { resolve } from '$app/paths'
import { createApi } from '#lib/api/client.ts'
import { clock } from '#lib/state/clock.svelte.ts'
import { SessionState } from '#lib/state/session.svelte.ts'

/** Where the API is: below the address that the dashboard is served at. */
export const API_ROOT = `${resolve('/').replace(/\/$/, '')}/api/v1`

/** The server's time is noted. A request refused for lack of a token leads to the sign-in page, and from there back. */
export const leadingToSignIn: typeof fetch = async (...request) => {
  const response = await fetch(...request)
  clock.hear(response.headers.get('date'))
  const { pathname, search } = location
  if (response.status === 401 && pathname !== resolve('/sign-in')) {
    location.assign(`${resolve('/sign-in')}?${new URLSearchParams({ to: pathname + search })}`)
  }
  return response
}

export const api = createApi(API_ROOT, leadingToSignIn)
export const session = new SessionState(api)
