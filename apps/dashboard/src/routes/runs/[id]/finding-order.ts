import type { Finding, Run } from '@normwatch/protocol'

const RANK = { critical: 0, warning: 1, info: 2 } as const

export interface OrderedFindings {
  /** Those that say how the run is, or was at its end: the gravest first, then the earliest. */
  readonly current: readonly Finding[]
  /** Those that were over before, in the order given. */
  readonly past: readonly Finding[]
}

export function orderFindings(findings: readonly Finding[], status: Run['status']): OrderedFindings {
  const lasted = ({ state, close_reason }: Finding) =>
    state === 'open' || (status !== 'running' && close_reason !== null && close_reason.startsWith('run_'))
  const gravestFirst = (a: Finding, b: Finding) =>
    RANK[a.severity] - RANK[b.severity] || (a.opened_step ?? 0) - (b.opened_step ?? 0)
  return {
    current: findings.filter(lasted).sort(gravestFirst),
    past: findings.filter((finding) => !lasted(finding)),
  }
}
