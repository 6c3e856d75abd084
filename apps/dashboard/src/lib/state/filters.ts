import type { Health, Run } from '@normwatch/protocol'
import { RUN_STATUSES } from '@normwatch/protocol/run-states'

/** What the runs page shows: the same names as in its address. Empty text means no filter. */
export interface Filters {
  readonly q: string
  readonly project: string
  readonly status: string
  readonly health: string
  readonly tag: string
}

export const NO_FILTERS: Filters = { q: '', project: '', status: '', health: '', tag: '' }
const NAMES = Object.keys(NO_FILTERS) as (keyof Filters)[]
/** The worst first. */
export const HEALTHS: readonly Health[] = ['flagged', 'watch', 'ok', 'unknown']

/** Filters of an address. What the server would refuse is left out, so an edited address still shows a page. */
export function filtersOf(params: Pick<URLSearchParams, 'get'>): Filters {
  const text = (name: keyof Filters) => params.get(name)?.slice(0, 128) ?? ''
  const among = (name: keyof Filters, known: readonly string[]) =>
    known.includes(text(name)) ? text(name) : ''
  return {
    q: text('q'),
    project: text('project'),
    status: among('status', RUN_STATUSES),
    health: among('health', HEALTHS),
    tag: text('tag'),
  }
}

/** The query of an address, or of a request, that shows this. */
export function queryOf(filters: Filters): URLSearchParams {
  return new URLSearchParams(
    NAMES.filter((name) => filters[name] !== '').map((name) => [name, filters[name]]),
  )
}

export function isFiltered(filters: Filters): boolean {
  return NAMES.some((name) => filters[name] !== '')
}

/** Whether a run belongs on the page: the same rules as the server's, for runs that arrive live. */
export function matches(run: Run, { q, project, status, health, tag }: Filters): boolean {
  if (project !== '' && run.project !== project) return false
  if (status !== '' && run.status !== status) return false
  if (health !== '' && run.health !== health) return false
  if (tag !== '' && !run.tags.includes(tag)) return false
  const text = q.toLowerCase()
  return [run.id, run.name, run.project, ...run.tags].some((part) => part.toLowerCase().includes(text))
}

/** The rank of a run: flagged, watch, then running, then the rest. */
export function rank(run: Run): number {
  if (run.health === 'flagged') return 0
  if (run.health === 'watch') return 1
  return run.status === 'running' ? 2 : 3
}
