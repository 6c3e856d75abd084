import { resolve } from '$app/paths'
import { createAccessApi } from '#lib/api/access.ts'
import { createAlertsApi } from '#lib/api/alerts.ts'
import { createCaller } from '#lib/api/caller.ts'
import { createApi } from '#lib/api/client.ts'
import { SessionState } from '#lib/state/session.svelte.ts'

/** Where the API is: below the address that the dashboard is served at. */
export const API_ROOT = `${resolve('/').replace(/\/$/, '')}/api/v1`

export const session = new SessionState(
  createAccessApi(createCaller(API_ROOT, (...request) => fetch(...request))),
)

/** Whoever is refused for want of a token is led to the sign-in page. */
const watchedFetch: typeof fetch = async (...request) => {
  const response = await fetch(...request)
  if (response.status === 401) session.end()
  return response
}
const caller = createCaller(API_ROOT, watchedFetch)

export const api = createApi(API_ROOT, watchedFetch)
export const alertsApi = createAlertsApi(caller)
export const accessApi = createAccessApi(caller)
