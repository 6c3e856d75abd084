import type { Finding, LiveFrame, Mute, Run } from '@normwatch/protocol'
import { edgeNews, isMuted, stormNews } from '#lib/format/finding-news.ts'
import type { Notice } from '#lib/state/browser-notifications.svelte.ts'
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

/** Turns findings that come live into notifications: each edge once, from warnings up, without what is muted. */
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

  /** What happened while the connection was lost is on the pages, and old news. */
  missed(): void {}

  stop(): void {
    clearTimeout(this.#timer)
  }

  async #tell(): Promise<void> {
    this.#timer = undefined
    const findings = [...this.#gathered.values()]
    this.#gathered.clear()
    // Who may not read a run or the mutes is told all the same.
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
