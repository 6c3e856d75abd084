import type { AuditAction, AuditTarget } from '@normwatch/protocol'

/** What a request and its reply say, once it has succeeded. */
export interface Facts {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>>
  /** The reply, if it is a small JSON document. */
  readonly reply: Readonly<Record<string, unknown>>
  readonly status: number
}

/** What an entry says of it. */
export interface Audited {
  readonly action: AuditAction
  readonly kind: AuditTarget
  readonly id?: string | null | undefined
  /** Left out where the route names a run: its project is looked up before it is changed. */
  readonly project?: string | null | undefined
  /** Names of fields, or a few words; never the value of a secret, an address or a note. */
  readonly detail?: string | null | undefined
}

/** Gives what is recorded; `undefined`: nothing, this time. */
export type Describe = (facts: Facts) => Audited | undefined

/** Reads of at most so many steps are pages of a table or a chart, no exports. */
const STEPS_OF_A_READ = 100_000

/** Routes whose use is recorded, by method and pattern as in `access/route-rules.ts`. Sign-ins record themselves. */
export const auditedRoutes: Readonly<Record<string, Describe>> = {
  'POST /api/v1/tokens': ({ reply }) => ({
    action: 'token.create',
    kind: 'token',
    id: text(reply['id']),
    project: text(reply['project']),
    detail: `${String(reply['name'])}, ${String(reply['scope'])}`,
  }),
  'DELETE /api/v1/tokens/:token': ({ params, reply }) => ({
    action: 'token.revoke',
    kind: 'token',
    id: params['token'],
    project: text(reply['project']),
    detail: text(reply['name']),
  }),
  'DELETE /api/v1/sessions/:session': ({ params }) => ({
    action: 'session.revoke',
    kind: 'session',
    id: params['session'],
  }),
  'POST /api/v1/channels': ({ reply }) => ({
    action: 'channel.create',
    kind: 'channel',
    id: text(reply['id']),
    project: text(reply['project']),
    detail: `${String(reply['name'])}, ${String(reply['kind'])}`,
  }),
  'PATCH /api/v1/channels/:id': ({ params, reply, body }) => ({
    action: 'channel.change',
    kind: 'channel',
    id: params['id'],
    project: text(reply['project']),
    detail: fieldsOf(body),
  }),
  'DELETE /api/v1/channels/:id': ({ params }) => ({
    action: 'channel.delete',
    kind: 'channel',
    id: params['id'],
  }),
  'POST /api/v1/channels/:id/test': ({ params }) => ({
    action: 'channel.test',
    kind: 'channel',
    id: params['id'],
  }),
  'POST /api/v1/channels/:id/rotate-secret': ({ params, reply }) => ({
    action: 'channel.rotate_secret',
    kind: 'channel',
    id: params['id'],
    project: text(reply['project']),
  }),
  'POST /api/v1/deliveries/:id/redeliver': ({ params }) => ({
    action: 'delivery.redeliver',
    kind: 'delivery',
    id: params['id'],
  }),
  'POST /api/v1/mutes': ({ reply }) => ({
    action: 'mute.create',
    kind: 'mute',
    id: text(reply['id']),
    project: text(reply['project']),
    detail: [reply['run'], reply['kind'], `until ${String(reply['until'])}`].filter(Boolean).join(', '),
  }),
  'DELETE /api/v1/mutes/:id': ({ params }) => ({ action: 'mute.end', kind: 'mute', id: params['id'] }),
  'PUT /api/v1/projects/:project/settings': ({ params, body }) => ({
    action: 'settings.change',
    kind: 'project',
    id: params['project'],
    project: params['project'],
    detail: fieldsOf(body),
  }),
  'PUT /api/v1/projects/:project/limits': ({ params, body }) => ({
    action: 'limits.change',
    kind: 'project',
    id: params['project'],
    project: params['project'],
    detail: fieldsOf(body),
  }),
  'PUT /api/v1/runs/:id/settings': ({ params, body }) => ({
    action: 'settings.change',
    kind: 'run',
    id: params['id'],
    detail: fieldsOf(body),
  }),
  'POST /api/v1/runs': changeOfRun,
  'PUT /api/v1/runs/:id': changeOfRun,
  'PATCH /api/v1/runs/:id': changeOfRun,
  'DELETE /api/v1/runs/:id': ({ params }) => ({ action: 'run.delete', kind: 'run', id: params['id'] }),
  'GET /api/v1/runs/:id/points': ({ params, query: { from, to } }) =>
    typeof from === 'number' && typeof to === 'number' && to - from < STEPS_OF_A_READ
      ? undefined
      : { action: 'points.export', kind: 'run', id: params['id'] },
  'GET /api/v1/runs/:id/snapshot': ({ params }) => ({
    action: 'snapshot.export',
    kind: 'run',
    id: params['id'],
  }),
  'GET /api/v1/audit/export': ({ query }) => ({
    action: 'audit.export',
    kind: 'audit',
    detail: fieldsOf(query),
  }),
}

/** Routes that change something and are not recorded, with the reason. */
export const unaudited: Readonly<Record<string, string>> = {
  'POST /api/v1/runs/:id/points':
    'recording: thousands of requests a second, and the record itself says when they came',
  'POST /api/v1/runs/:id/events': 'recording, as points',
  'POST /api/v1/runs/:id/preview': 'it stores nothing',
  'POST /api/v1/session': 'the route records sign-ins itself, refused ones too',
  'DELETE /api/v1/session': 'the route records it itself, while it knows whose session it was',
  'POST /api/v1/session/oidc/logout': 'the route records the sessions that it ends',
  'POST /mcp': 'its tools only read, each with a request to the API',
  'DELETE /mcp': 'it ends a conversation that keeps nothing',
}

/** Only where a person did it: what recorders change is not recorded, nor is the creation of a run. */
export function changeOfRun({ params, body, reply, status }: Facts): Audited | undefined {
  if (status === 201) return undefined
  return {
    action: body['truncate_after'] === undefined ? 'run.change' : 'run.truncate',
    kind: 'run',
    id: params['id'] ?? text(reply['id']),
    project: text(reply['project']),
    detail: fieldsOf(body),
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Names of the fields of an object and of the objects in it, such as `spike.enabled, tags`. */
function fieldsOf(fields: Readonly<Record<string, unknown>>): string | null {
  const names = Object.entries(fields)
    .flatMap(([name, value]) =>
      name !== 'config' && typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.keys(value).map((inner) => `${name}.${inner}`)
        : [name],
    )
    .join(', ')
  return names === '' ? null : names
}
