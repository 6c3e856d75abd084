import { expect } from 'vitest'
import { readRoles, type Roles } from '../src/access/identity/roles.ts'
import { walkThrough, type IdentityProvider } from './identity-provider.ts'
import { startApp, type Answer, type TestApp } from './start-app.ts'

export const SAME = { origin: 'http://localhost' }
export const ROLES = 'ml=write:vision-*;ml=read:*;admins=admin'
export const START = '/api/v1/session/oidc'

/** A server that people sign in to with the provider. */
export function startWith(
  provider: IdentityProvider,
  roles = ROLES,
  more: Parameters<typeof startApp>[0] = {},
) {
  const people = { provider: provider.settings, roles: readRoles(roles) as Roles, sessionHours: 12 }
  return startApp({ ...more, access: { people, ...more.access } })
}

export const cookiesOf = ({ headers }: Answer): string[] => [headers['set-cookie'] ?? []].flat().map(String)
export const pair = (cookie: string | undefined) => ({ cookie: cookie?.split(';')[0] as string })

/** The way to the provider and back; `callback` completes it. */
export async function begin(service: TestApp, provider: IdentityProvider, to = '/runs/a') {
  const start = await service.inject({ url: `${START}?${new URLSearchParams({ to })}` })
  const back = await walkThrough(String(start.headers['location']), provider)
  const { pathname, search, searchParams } = new URL(back)
  const headers = pair(cookiesOf(start)[0])
  return {
    start,
    query: searchParams,
    headers,
    callback: (url = pathname + search, from: Record<string, string> = headers) =>
      service.inject({ url, headers: from }),
  }
}

/** The same in one go; `headers` are those of the browser that is signed in then. */
export async function signIn(service: TestApp, provider: IdentityProvider) {
  const answer = await (await begin(service, provider)).callback()
  const session = cookiesOf(answer).find((cookie) => cookie.startsWith('normwatch_session='))
  return { answer, headers: pair(session) }
}

/** Where the browser is sent: what the sign-in page says then, if it failed. */
export const resultOf = ({ headers }: Answer) => {
  const place = new URL(String(headers['location']), 'http://localhost')
  expect(place.pathname).toBe('/sign-in')
  return Object.fromEntries(place.searchParams)
}
export const whoIs = async (service: TestApp, headers: Record<string, string>) =>
  (await service.inject({ url: '/api/v1/session', headers })).body
