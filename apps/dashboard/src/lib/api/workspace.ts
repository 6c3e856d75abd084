import type { AuditChain, AuditList, ProjectLimits, SessionList, Usage } from '@normwatch/protocol'
import { withBody, type Caller } from '#lib/api/caller.ts'

/** What of the audit log is shown; empty: all of it. */
export interface AuditFilter {
  readonly who: string
  readonly action: string
  readonly project: string
  /** Days, such as 2026-11-28, in UTC; both included. */
  readonly from: string
  readonly to: string
}
export const WHOLE_LOG: AuditFilter = { who: '', action: '', project: '', from: '', to: '' }

/** The calls of the pages for admins. `root` is the address the API's paths start from. */
export function createWorkspaceApi(root: string, { call }: Caller) {
  return {
    audit(filter: AuditFilter, cursor: string | null): Promise<AuditList> {
      const query = queryOf(filter)
      query.set('limit', '100')
      if (cursor !== null) query.set('cursor', cursor)
      return call(`/audit?${query}`)
    },
    auditChain: () => call<AuditChain>('/audit/verify'),
    /** For a link. */
    auditExportAddress: (filter: AuditFilter) => `${root}/audit/export?${queryOf(filter)}`,
    usage: () => call<Usage>('/usage'),
    putLimits: (project: string, limits: ProjectLimits) =>
      call<ProjectLimits>(`/projects/${encodeURIComponent(project)}/limits`, withBody('PUT', limits)),
    sessions: () => call<SessionList>('/sessions'),
    endSession: (id: string) => call<void>(`/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' }),
  }
}

function queryOf({ from, to, ...others }: AuditFilter): URLSearchParams {
  const times = { from: from && `${from}T00:00:00.000Z`, to: to && `${to}T23:59:59.999Z` }
  return new URLSearchParams(Object.entries({ ...others, ...times }).filter(([, value]) => value !== ''))
}
