import type { Finding, Mute, Run } from '@normwatch/protocol'
import { CLOSE_WORDS, findingSpan, findingTitle } from '#lib/format/finding.ts'
import { counted } from '#lib/format/number.ts'

/** A finding that opened or closed, with its run where that is known. */
export interface FindingEdge {
  readonly finding: Finding
  readonly run: Pick<Run, 'name' | 'project'> | undefined
}

/** What opened or closed, for a notification. */
export function edgeNews({ finding, run }: FindingEdge) {
  const title = findingTitle(finding)
  const isOpen = finding.state === 'open'
  const span = findingSpan(finding)
  const end = finding.close_reason === null ? '' : CLOSE_WORDS[finding.close_reason]
  return {
    title: isOpen ? `▲ ${title}` : `✓ Over: ${title}`,
    body: [run?.name ?? finding.run, span, end].filter(Boolean).join(' · '),
    tag: `normwatch ${finding.id} ${finding.state}`,
  }
}

/** Many at once, in one notification. */
export function stormNews(edges: readonly FindingEdge[]) {
  const opened = edges.filter(({ finding }) => finding.state === 'open').length
  const parts = [
    opened > 0 && `${counted(opened, 'finding')} opened`,
    opened < edges.length && `${counted(edges.length - opened, 'finding')} closed`,
  ]
  const runs = new Set(edges.map(({ finding }) => finding.run))
  return {
    title: parts.filter(Boolean).join(', '),
    body: `in ${counted(runs.size, 'run')}`,
    tag: `normwatch ${edges[0]?.finding.id} storm`,
  }
}

/** Whether one of the mutes names the finding: all that a mute gives must fit. */
export function isMuted({ finding, run }: FindingEdge, mutes: readonly Mute[]): boolean {
  return mutes.some(
    (mute) =>
      (mute.run === null || mute.run === finding.run) &&
      (mute.kind === null || mute.kind === finding.kind) &&
      (mute.project === null || mute.project === run?.project),
  )
}
