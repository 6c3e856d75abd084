import { resolve } from '$app/paths'
import { createApi } from '#lib/api/client.ts'

/** Where the API is: below the address that the dashboard is served at. */
export const API_ROOT = `${resolve('/').replace(/\/$/, '')}/api/v1`

export const api = createApi(API_ROOT, (...request) => fetch(...request))
