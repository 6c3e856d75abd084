import { expect, it } from 'vitest'
import { SCOPES, type Scope } from '@normwatch/protocol'
import { routeRules, type RouteRule } from '../src/access/route-rules.ts'
import { newTokenSecret } from '../src/access/identity/secret.ts'
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

/** A request to a route that touches the run `r` of the project `mine` where it can. */
function requestTo(route: string): { method: 'GET'; url: string; payload?: object } {
  const [method, pattern] = route.split(' ') as ['GET', string]
  const path = pattern
    .replace('/runs/:id', '/runs/r')
    .replace(':project', 'mine')
    .replace(/:\w+/, 'unknown')
    .replace('*', '_app/start.js')
  const query: Record<string, string> = {
    'GET /api/v1/runs': '?project=mine',
    'GET /api/v1/findings': '?run=r',
    'GET /api/v1/compare': '?run=r&run=s',
    'GET /api/v1/runs/:id/series': '?metric=loss',
  }
  const bodies: Record<string, object> = {
    'POST /api/v1/runs': { id: 'made', project: 'mine' },
    'POST /api/v1/runs/:id/points': { points: [{ step: 0, loss: 1 }] },
    'POST /api/v1/runs/:id/events': { events: [{ step: 0, label: 'saved' }] },
    'POST /api/v1/session': { token: 'nw_wrong' },
  }
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(method)
  return {
    method,
    url: `${path}${query[route] ?? ''}`,
    ...(hasBody ? { payload: bodies[route] ?? {} } : {}),
  }
}

const codeOf = ({ status, body }: Answer) => (status === 401 || status === 403 ? body.error.code : 'admitted')
const scopesOf = ({ for: who }: RouteRule): readonly Scope[] =>
  who === 'any' || who === 'everybody'
    ? SCOPES
    : SCOPES.filter((scope) => scope === 'admin' || who.includes(scope))

// The socket is walked in access-live.test.ts; an attempt to sign in is answered by what the body says.
const routes = Object.keys(routeRules).filter((route) => !/live|POST .*session/.test(route))

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

  const table: Record<string, string> = {}
  const wanted: Record<string, string> = {}
  for (const route of routes) {
    for (const [who, secret] of Object.entries(credentials)) {
      for (const run of ['r', 's']) await services.ingest.put(run, { project: 'mine' })
      const headers = secret === undefined ? {} : bearer(secret)
      table[`${route} by ${who}`] = codeOf(await inject({ ...requestTo(route), headers }))
      wanted[`${route} by ${who}`] = expected(route, who)
    }
  }
  expect(table).toEqual(wanted)
  expect(Object.keys(table).length).toBe(routes.length * Object.keys(credentials).length)
})
