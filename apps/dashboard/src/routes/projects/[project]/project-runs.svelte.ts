import type { Finding, LiveFrame, Run } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { sentenceOf } from '#lib/api/failure.ts'
import type { LiveConnection } from '#lib/state/live-connection.svelte.ts'

/** Pages of runs that are read: of more than these the newest are shown. */
const MOST_PAGES = 5
const WEEK = 7 * 24 * 60 * 60 * 1000

interface FlaggedRun {
  readonly finding: Finding
  readonly others: number
}

/** The runs of a project with their configs, and what was found in them this week; runs are kept current live. */
export class ProjectRuns {
  readonly #api: Api
  readonly project: string
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  failure = $state('')
  /** Newest first. */
  runs = $state.raw<readonly Run[]>([])
  /** Whether the project has more runs than are shown. */
  hasMore = $state(false)
  /** One entry a run: its newest finding of this week that is no mere note, and how many others there are. */
  flagged = $state.raw<readonly FlaggedRun[]>([])

  constructor(api: Api, project: string) {
    this.#api = api
    this.project = project
  }

  readonly load = async (): Promise<void> => {
    try {
      const [runs, { findings }] = await Promise.all([this.#read(), this.#api.projectFindings(this.project)])
      this.runs = runs
      const recent = Date.now() - WEEK
      this.flagged = byRun(
        findings.filter(({ severity, opened_at }) => severity !== 'info' && Date.parse(opened_at) >= recent),
      )
      this.phase = 'ready'
    } catch (error) {
      this.failure = sentenceOf(error)
      this.phase = 'failed'
    }
  }

  /** Follows the live connection until the returned function is called. */
  follow(connection: LiveConnection): () => void {
    return connection.watch(
      { runs: {} },
      { frame: (frame: LiveFrame) => this.#accept(frame), missed: () => void this.load() },
    )
  }

  async #read(): Promise<Run[]> {
    const runs: Run[] = []
    let cursor: string | null = null
    for (let page = 0; page < MOST_PAGES; page++) {
      const reply = await this.#api.projectRuns(this.project, cursor)
      runs.push(...reply.runs)
      this.hasMore = reply.next_cursor !== null
      if (reply.next_cursor === null) break
      cursor = reply.next_cursor
    }
    return runs
  }

  #accept(frame: LiveFrame): void {
    if (frame.type === 'gap' && frame.reason === 'deleted')
      this.runs = this.runs.filter(({ id }) => id !== frame.run)
    if (frame.type !== 'run' || frame.run.project !== this.project) return
    const known = this.runs.some(({ id }) => id === frame.run.id)
    this.runs = known
      ? this.runs.map((run) => (run.id === frame.run.id ? { ...run, ...frame.run } : run))
      : [Object.assign({ config: {} }, frame.run), ...this.runs]
  }
}

function byRun(findings: readonly Finding[]): FlaggedRun[] {
  const firsts = findings.filter(({ run }, i) => findings.findIndex((other) => other.run === run) === i)
  return firsts.map((finding) => ({
    finding,
    others: findings.filter(({ run }) => run === finding.run).length - 1,
  }))
}
