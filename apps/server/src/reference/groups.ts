/** The resources of the API in reading order, and the paths that belong to each. */
export interface Group {
  readonly name: string
  readonly description: string
  readonly paths: RegExp
}

export const groups: readonly Group[] = [
  {
    name: 'Runs',
    description: 'A training, from its first step to its end. The client may choose its id.',
    paths: /^\/api\/v1\/runs(\/\{id\})?$/,
  },
  {
    name: 'Points',
    description:
      'Readings of a run by step. A reply of 200 means durable. The same step again replaces the readings given, so a request ' +
      'may be tried again.',
    paths: /^\/api\/v1\/runs\/\{id\}\/(points|events)$/,
  },
  {
    name: 'Charts and analysis',
    description:
      'What a run recorded, reduced without losing a spike; other caps tried on it; runs side by side.',
    paths: /^\/api\/v1\/(compare|runs\/\{id\}\/(series|layers|caps|snapshot))$/,
  },
  {
    name: 'Findings',
    description: 'What the detector noticed. A finding opens once and closes once.',
    paths: /\/findings$/,
  },
  {
    name: 'Detection settings',
    description: 'What counts as saturated, a spike, vanishing, …: for a project, and for one run over it.',
    paths: /\/(settings|preview)$/,
  },
  {
    name: 'Channels and deliveries',
    description: 'Who is notified of findings, what was sent, and what is muted.',
    paths: /^\/api\/v1\/(channels|deliveries|mutes)\b/,
  },
  {
    name: 'Projects and access',
    description:
      'A token is sent as "authorization: Bearer nw_…". A server on this machine alone with no token made asks for none.',
    paths:
      /^\/api\/v1\/((projects|tokens|sessions?)(\/(\{token\}|\{session\}|oidc(\/callback)?))?|audit(\/(export|verify))?|usage|projects\/\{project\}\/limits)$/,
  },
  {
    name: 'The service',
    description: 'For supervisors, Prometheus and installers.',
    paths: /^\/(healthz|readyz|metrics|mcp|sdk\/.*)$/,
  },
]

/** The group of a path such as `/api/v1/runs/{id}`; `undefined` if it belongs to no group. */
export function groupOf(path: string): string | undefined {
  return groups.find(({ paths }) => paths.test(path))?.name
}
