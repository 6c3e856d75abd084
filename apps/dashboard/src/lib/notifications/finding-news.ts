import type { Finding, LiveFrame, Mute, Run } from '@normwatch/protocol'
import { CLOSE_WORDS, findingSpan, findingTitle } from '#lib/format/finding.ts'
import { counted } from '#lib/format/number.ts'
import type { Notice } from '#lib/notifications/browser-notifications.svelte.ts'
import type { Listener } from '#lib/state/live-socket.ts'

/** Milliseconds in which edges are gathered, so that a storm of them is one notification. */
const GATHERED_FOR = 1_000
/** More edges than this at once are one notification. */
const SINGLE = 3
/** Edges that are remembered, so as not to tell them again. */
const REMEMBERED = 1_000

interface NewsParts {
  readonly run: (id: string) => Promise<Pick<Run, 'name' | 'project'>>
  readonly mutes: () => Promise<readonly Mute[]>
  /** `run` is where the notification leads; of a storm nowhere in particular. */
  readonly show: (notice: Notice, run: string | undefined) => void
}

/** Turns findings that come live into notifications: each edge once, warning or higher, unless muted. */
export class FindingNews implements Listener {
  readonly #parts: NewsParts
  readonly #told = new Set<string>()
  /** By id: one that opened and closed meanwhile is told as closed. */
  readonly #gathered = new Map<string, Finding>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(parts: NewsParts) {
    this.#parts = parts
  }

  frame(frame: LiveFrame): void {
    if (frame.type !== 'finding' || frame.finding.severity === 'info') return
    const { finding } = frame
    const edge = `${finding.id} ${finding.state}`
    if (this.#told.has(edge)) return
    this.#told.add(edge)
    if (this.#told.size > REMEMBERED) this.#told.delete(this.#told.values().next().value as string)
    this.#gathered.set(finding.id, finding)
    this.#timer ??= setTimeout(() => void this.#tell(), GATHERED_FOR)
  }

  /** Changes from while the connection was lost are on the pages; they cause no notifications. */
  missed(): void {}

  stop(): void {
    clearTimeout(this.#timer)
  }

  async #tell(): Promise<void> {
    this.#timer = undefined
    const findings = [...this.#gathered.values()]
    this.#gathered.clear()
    // Users who may not read the run or the mutes are still notified.
    const mutes = await this.#parts.mutes().catch(() => [])
    const needsRuns = findings.length <= SINGLE || mutes.some(({ project }) => project !== null)
    const read = (id: string) => (needsRuns ? this.#parts.run(id).catch(() => undefined) : undefined)
    const all = findings.map(async (finding) => ({ finding, run: await read(finding.run) }))
    const edges = (await Promise.all(all)).filter((edge) => !isMuted(edge, mutes))
    if (edges.length === 0) return
    if (edges.length > SINGLE) return this.#parts.show(stormNews(edges), undefined)
    for (const edge of edges) this.#parts.show(edgeNews(edge), edge.finding.run)
  }
}

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
