import type { Finding } from '@normwatch/protocol'

export interface FlaggedRun {
  readonly finding: Finding
  readonly others: number
}

/** The findings of each run as one entry, in the order given: its gravest finding, and how many others it has. */
export function flaggedRuns(findings: readonly Finding[]): FlaggedRun[] {
  const byRun = Map.groupBy(findings, ({ run }) => run)
  return [...byRun.values()].map((own) => ({
    finding: own.reduce((first, other) => (weight(other) > weight(first) ? other : first)),
    others: own.length - 1,
  }))
}

/** Whatever was wrong with a run says more than that it stopped afterwards. */
function weight({ severity, kind }: Finding): number {
  return severity === 'critical' ? 2 : kind === 'stalled' ? 0 : 1
}
