import type { Services } from '../src/services.ts'

/** What a request touches, where its route names such things. */
export interface Touched {
  readonly run: string
  readonly project: string
  readonly mute: string
}

/** A request to a route such as `GET /api/v1/runs/:id`; a comparison also needs the run `{run}-2`. */
export function requestTo(
  route: string,
  { run, project, mute }: Touched,
): { method: 'GET'; url: string; payload?: object } {
  const [method, pattern] = route.split(' ') as ['GET', string]
  const path = pattern
    .replace('/runs/:id', `/runs/${run}`)
    .replace('/mutes/:id', `/mutes/${mute}`)
    .replace(':project', project)
    .replace(/:\w+/, 'unknown')
    .replace('*', '_app/start.js')
  const query: Record<string, string> = {
    'GET /api/v1/runs': `?project=${project}`,
    'GET /api/v1/findings': `?run=${run}`,
    'GET /api/v1/deliveries': `?run=${run}`,
    'GET /api/v1/compare': `?run=${run}&run=${run}-2`,
    'GET /api/v1/runs/:id/series': '?metric=loss',
  }
  const bodies: Record<string, object> = {
    'POST /api/v1/runs': { id: `made-in-${project}`, project },
    'PUT /api/v1/runs/:id': { project },
    'POST /api/v1/runs/:id/points': { points: [{ step: 0, loss: 1 }] },
    'POST /api/v1/runs/:id/events': { events: [{ step: 0, label: 'saved' }] },
    'POST /api/v1/mutes': { run, until: new Date(Date.now() + 3_600_000).toISOString() },
    'POST /api/v1/session': { token: 'nw_wrong' },
  }
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(method)
  return {
    method,
    url: `${path}${query[route] ?? ''}`,
    ...(hasBody ? { payload: bodies[route] ?? {} } : {}),
  }
}

/** Makes a mute of a run unless it is there. */
export async function keepMute({ store: { mutes } }: Services, id: string, run: string): Promise<void> {
  const now = Date.now()
  if ((await mutes.list(now)).some((mute) => mute.id === id)) return
  await mutes.create({ id, run, project: null, kind: null, until: now + 3_600_000, created_at: now })
}
