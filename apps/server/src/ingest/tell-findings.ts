import type { StoredFinding } from '../storage/store.ts'
import type { IngestContext } from './active-runs.ts'

/** Tells the readers of findings that are durable, and has those that opened looked into. */
export function tellFindings(
  { hub, explainer }: IngestContext,
  findings: readonly StoredFinding[],
  project: string,
): void {
  for (const finding of findings) hub.finding(finding, project)
  if (findings.length > 0) explainer.wake()
}
