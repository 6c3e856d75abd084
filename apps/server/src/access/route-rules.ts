/** Who may use which route. A route that is missing here stops the server's start. */
export interface RouteRule {
  /** `everybody`: no token needed. `any`: any valid token. Else the scopes allowed; `admin` always is. */
  readonly for: 'everybody' | 'any' | 'admin' | 'read' | 'write' | 'read or write'
  /** How the request names its project, for callers who may not do this in every project. */
  readonly project: ProjectSource
}

/**
 * - `none`: it reads and changes no project's data.
 * - `all`: it concerns the whole server, so who is limited to some projects is refused.
 * - `run`: the project of the run named by the parameter `id`; for a change also the one named in the body.
 * - `new-run`: that of the run if it exists, and of the body, which gets a project of the caller's where it names none.
 * - `asked`: that of the parameter `project` in the query; the list has the caller's projects only.
 * - `asked-runs`: those of all runs in the query's parameter `run`, which must be there; the list has the caller's projects only.
 * - `asked-any`: those of all runs in the query's `run`, and of `project`; the list has the caller's projects only.
 * - `named`: that of the parameter `project` in the path.
 * - `listed`: the list has the caller's projects only.
 * - `mute`: that of the run or the project that the mute names; one of neither concerns all.
 * - `frames`: each frame names a run or a project.
 */
export type ProjectSource =
  | 'none'
  | 'all'
  | 'run'
  | 'new-run'
  | 'asked'
  | 'asked-runs'
  | 'asked-any'
  | 'named'
  | 'listed'
  | 'mute'
  | 'frames'

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
  'POST /api/v1/runs/:id/events': rule('write', 'run'),
  'GET /api/v1/runs/:id/events': rule('read', 'run'),
  'GET /api/v1/runs/:id/series': rule('read', 'run'),
  'GET /api/v1/runs/:id/layers': rule('read', 'run'),
  'GET /api/v1/runs/:id/findings': rule('read', 'run'),
  'GET /api/v1/findings': rule('read', 'asked-any'),
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
  'GET /api/v1/mutes': rule('read', 'listed'),
  'POST /api/v1/mutes': rule('admin', 'mute'),
  'DELETE /api/v1/mutes/:id': rule('admin', 'mute'),
  'GET /api/v1/projects': rule('read', 'listed'),
  'GET /api/v1/live': rule('read', 'frames'),
  'POST /api/v1/runs/:id/preview': rule('read', 'run'),
  'GET /api/v1/runs/:id/settings': rule('read', 'run'),
  'PUT /api/v1/runs/:id/settings': rule('admin', 'run'),
  'GET /api/v1/projects/:project/settings': rule('read', 'named'),
  'PUT /api/v1/projects/:project/settings': rule('admin', 'named'),
  'GET /api/v1/runs/:id/caps': rule('read', 'run'),
  'GET /api/v1/runs/:id/snapshot': rule('read', 'run'),
  'GET /api/v1/compare': rule('read', 'asked-runs'),
  // Each of its tools asks the API as the caller, under the rules above.
  'POST /mcp': rule('read', 'none'),
  'GET /mcp': rule('read', 'none'),
  'DELETE /mcp': rule('read', 'none'),
  'GET /api/v1/openapi.json': rule('any', 'none'),
  'GET /docs': rule('any', 'none'),
  'GET /docs/': rule('any', 'none'),
  'GET /docs/page.css': rule('everybody', 'none'),
  // Public code, and pip and npm send no token.
  'GET /sdk/python': rule('everybody', 'none'),
  'GET /sdk/python/:archive': rule('everybody', 'none'),
  'GET /sdk/npm': rule('everybody', 'none'),
  'GET /sdk/npm/:archive': rule('everybody', 'none'),
  // The dashboard's files: no user data, and the sign-in page.
  'GET /*': rule('everybody', 'none'),
  'GET /metrics': rule('read', 'all'),
  'GET /healthz': rule('everybody', 'none'),
  'GET /readyz': rule('everybody', 'none'),
  'GET /api/v1/tokens': rule('admin', 'all'),
  'POST /api/v1/tokens': rule('admin', 'all'),
  'DELETE /api/v1/tokens/:token': rule('admin', 'all'),
  'GET /api/v1/usage': rule('admin', 'all'),
  'PUT /api/v1/projects/:project/limits': rule('admin', 'all'),
  'GET /api/v1/audit': rule('admin', 'all'),
  'GET /api/v1/audit/export': rule('admin', 'all'),
  'GET /api/v1/audit/verify': rule('admin', 'all'),
  'GET /api/v1/session': rule('everybody', 'none'),
  'POST /api/v1/session': rule('everybody', 'none'),
  'DELETE /api/v1/session': rule('everybody', 'none'),
  'GET /api/v1/session/oidc': rule('everybody', 'none'),
  'GET /api/v1/session/oidc/callback': rule('everybody', 'none'),
  'POST /api/v1/session/oidc/logout': rule('everybody', 'none'),
  // Who is no admin of everything sees and ends only their own.
  'GET /api/v1/sessions': rule('any', 'none'),
  'DELETE /api/v1/sessions/:session': rule('any', 'none'),
}

/** The rule of a route. Throws for a route without one, so that a new route cannot be left unguarded. */
export function ruleFor(method: string, url: string): RouteRule {
  const key = `${method === 'HEAD' ? 'GET' : method} ${url}`
  const found = Object.hasOwn(routeRules, key) ? routeRules[key] : undefined
  if (found === undefined) throw new Error(`${key} has no rule: add one to access/route-rules.ts.`)
  return found
}
