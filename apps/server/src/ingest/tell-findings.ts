import type { StoredFinding } from '../storage/store.ts'
import type { IngestContext } from './active-runs.ts'

/** Sends durable findings to live readers, and has the opened ones explained. */
export function tellFindings(
  { hub, explainer }: IngestContext,
  findings: readonly StoredFinding[],
  project: string,
): void {
  for (const finding of findings) hub.finding(finding, project)
  if (findings.length > 0) explainer.wake()
}
