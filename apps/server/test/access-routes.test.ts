import { expect, it } from 'vitest'
import { SCOPES, type Scope } from '@normwatch/protocol'
import { routeRules, type RouteRule } from '../src/access/route-rules.ts'
import { newTokenSecret } from '../src/access/identity/secret.ts'
import { keepMute, requestTo } from './route-requests.ts'
import { bearer, dashboardFixture, makeToken } from './access-fixtures.ts'
import { startApp, type Answer } from './start-app.ts'

it('has no rule for a route that is gone', async () => {
  const { app } = await startApp({ dashboard: await dashboardFixture() })
  const gone = Object.keys(routeRules).filter((route) => {
    const [method, url] = route.split(' ') as ['GET', string]
    return !app.hasRoute({ method, url })
  })
  expect(gone).toEqual([])
})

it('does not start with a route that nobody said who may use', async () => {
  const { app } = await startApp()
  expect(() => app.get('/api/v1/forgotten', async () => 'secret')).toThrow(
    'GET /api/v1/forgotten has no rule',
  )
})

const codeOf = ({ status, body }: Answer) => (status === 401 || status === 403 ? body.error.code : 'admitted')
const scopesOf = ({ for: who }: RouteRule): readonly Scope[] =>
  who === 'any' || who === 'everybody'
    ? SCOPES
    : SCOPES.filter((scope) => scope === 'admin' || who.includes(scope))

// The socket is walked in access-live.test.ts; an attempt to sign in is answered by what the body says.
const routes = Object.keys(routeRules).filter((route) => !/\/live$|POST .*session/.test(route))

it('walks every route with every kind of token', { timeout: 120_000 }, async () => {
  const service = await startApp({ dashboard: await dashboardFixture() })
  const { services, inject } = service
  const secrets = new Map<string, string>()
  for (const scope of SCOPES) {
    secrets.set(scope, (await makeToken(service, { scope })).secret)
    secrets.set(`${scope} of mine`, (await makeToken(service, { scope, project: 'mine' })).secret)
    secrets.set(`${scope} of other`, (await makeToken(service, { scope, project: 'other' })).secret)
  }
  const credentials: Record<string, string | undefined> = {
    nobody: undefined,
    'a wrong token': newTokenSecret(),
    'no token at all': 'secret',
    'an expired token': (await makeToken(service, { scope: 'admin' }, { expires_at: Date.now() - 1 })).secret,
    'a revoked token': (await makeToken(service, { scope: 'admin' }, { revoked_at: Date.now() })).secret,
    ...Object.fromEntries(secrets),
  }
  const refusedAs: Record<string, string> = {
    nobody: 'token_missing',
    'a wrong token': 'token_invalid',
    'no token at all': 'token_invalid',
    'an expired token': 'token_expired',
    'a revoked token': 'token_revoked',
  }

  function expected(route: string, who: string): string {
    const rule = routeRules[route] as RouteRule
    if (rule.for === 'everybody') return 'admitted'
    if (refusedAs[who] !== undefined) return refusedAs[who]
    const [scope, , project] = who.split(' ') as [Scope, string?, string?]
    if (!scopesOf(rule).includes(scope)) return 'scope_forbidden'
    if (project === undefined || ['none', 'listed', 'frames'].includes(rule.project)) return 'admitted'
    return rule.project === 'all' || project === 'other' ? 'project_forbidden' : 'admitted'
  }

  const touched = { run: 'r', project: 'mine', mute: 'mute-r' }
  const table: Record<string, string> = {}
  const wanted: Record<string, string> = {}
  for (const route of routes) {
    for (const [who, secret] of Object.entries(credentials)) {
      for (const run of ['r', 'r-2']) await services.ingest.put(run, { project: 'mine' })
      if (route.startsWith('DELETE /api/v1/mutes')) await keepMute(services, touched.mute, 'r')
      const headers = secret === undefined ? {} : bearer(secret)
      table[`${route} by ${who}`] = codeOf(await inject({ ...requestTo(route, touched), headers }))
      wanted[`${route} by ${who}`] = expected(route, who)
    }
  }
  expect(table).toEqual(wanted)
  expect(Object.keys(table).length).toBe(routes.length * Object.keys(credentials).length)
})
