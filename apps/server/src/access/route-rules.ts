/**
 * Who may use which route. `test/access-routes.test.ts` compares this table with the routes that the server really has:
 * a route that is missing here is refused to everybody, and fails the test.
 */
export interface RouteRule {
  /** `everybody`: without a token. `any`: with any valid token. Else the scopes that may, and `admin` always may. */
  readonly for: 'everybody' | 'any' | 'admin' | 'read' | 'write' | 'read or write'
  /** Where the project that the request touches is found, for tokens limited to one. */
  readonly project: ProjectSource
}

/**
 * - `none`: nothing of any project is told or changed.
 * - `all`: it concerns the whole server, so a limited token is refused.
 * - `run`: the project of the run named by the parameter `id`; for a change also the one named in the body.
 * - `new-run`: that of the run if it exists, and of the body, which gets the token's project where it names none.
 * - `asked`: that of the parameter `project` in the query, which gets the token's project where it names none.
 * - `asked-runs`: those of all runs in the query's parameter `run`, which must be there.
 * - `named`: that of the parameter `project` in the path.
 * - `listed`: names of projects are told, and a limited token hears its own.
 * - `frames`: each frame names a run or a project.
 */
export type ProjectSource =
  'none' | 'all' | 'run' | 'new-run' | 'asked' | 'asked-runs' | 'named' | 'listed' | 'frames'

const rule = (who: RouteRule['for'], project: ProjectSource): RouteRule => ({ for: who, project })

/** Method and pattern as the router knows them, below the base path. HEAD follows GET. */
export const routeRules: Readonly<Record<string, RouteRule>> = {
  'GET /api/v1/runs': rule('read', 'asked'),
  'POST /api/v1/runs': rule('write', 'new-run'),
  'PUT /api/v1/runs/:id': rule('write', 'new-run'),
  'GET /api/v1/runs/:id': rule('read or write', 'run'),
  'PATCH /api/v1/runs/:id': rule('write', 'run'),
  'DELETE /api/v1/runs/:id': rule('admin', 'run'),
  'POST /api/v1/runs/:id/points': rule('write', 'run'),
  'GET /api/v1/runs/:id/points': rule('read', 'run'),
  'GET /api/v1/runs/:id/series': rule('read', 'run'),
  'GET /api/v1/runs/:id/layers': rule('read', 'run'),
  'GET /api/v1/runs/:id/findings': rule('read', 'run'),
  'GET /api/v1/findings': rule('read', 'asked-runs'),
  'GET /api/v1/channels': rule('admin', 'all'),
  'POST /api/v1/channels': rule('admin', 'all'),
  'GET /api/v1/channels/:id': rule('admin', 'all'),
  'PATCH /api/v1/channels/:id': rule('admin', 'all'),
  'DELETE /api/v1/channels/:id': rule('admin', 'all'),
  'POST /api/v1/channels/:id/test': rule('admin', 'all'),
  'POST /api/v1/channels/:id/rotate-secret': rule('admin', 'all'),
  'GET /api/v1/channels/:id/deliveries': rule('admin', 'all'),
  'GET /api/v1/deliveries': rule('read', 'asked-runs'),
  'POST /api/v1/deliveries/:id/redeliver': rule('admin', 'all'),
  'GET /api/v1/mutes': rule('read', 'all'),
  'POST /api/v1/mutes': rule('admin', 'all'),
  'DELETE /api/v1/mutes/:id': rule('admin', 'all'),
  'GET /api/v1/projects': rule('read', 'listed'),
  'GET /api/v1/live': rule('read', 'frames'),
  'GET /api/v1/runs/:id/caps': rule('read', 'run'),
  'GET /api/v1/compare': rule('read', 'asked-runs'),
  'GET /api/v1/openapi.json': rule('any', 'none'),
  'GET /docs': rule('any', 'none'),
  'GET /docs/': rule('any', 'none'),
  'GET /docs/*': rule('any', 'none'),
  'GET /docs/json': rule('any', 'none'),
  'GET /docs/yaml': rule('any', 'none'),
  'GET /docs/static/index.html': rule('any', 'none'),
  'GET /docs/static/swagger-initializer.js': rule('any', 'none'),
  'GET /docs/static/*': rule('any', 'none'),
  // The dashboard's files: no data of anybody, and the page to sign in on.
  'GET /*': rule('everybody', 'none'),
  'GET /metrics': rule('read', 'all'),
  'GET /healthz': rule('everybody', 'none'),
  'GET /readyz': rule('everybody', 'none'),
  'GET /api/v1/tokens': rule('admin', 'all'),
  'POST /api/v1/tokens': rule('admin', 'all'),
  'DELETE /api/v1/tokens/:token': rule('admin', 'all'),
  'GET /api/v1/session': rule('everybody', 'none'),
  'POST /api/v1/session': rule('everybody', 'none'),
  'DELETE /api/v1/session': rule('everybody', 'none'),
}
