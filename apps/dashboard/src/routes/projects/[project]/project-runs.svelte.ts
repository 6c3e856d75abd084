import type { Finding, LiveFrame, Run } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { sentenceOf } from '#lib/api/failure.ts'
import { untrack } from 'svelte'
import { clock } from '#lib/state/clock.svelte.ts'
import type { LiveConnection } from '#lib/state/live-connection.svelte.ts'
import { flaggedRuns, type FlaggedRun } from './flagged-runs.ts'

/** Pages of runs that are read: of more than these the newest are shown. */
const MOST_PAGES = 5
/** Pages of findings that are read: of a week with more the newest are counted. */
const MOST_PAGES_OF_FINDINGS = 25
const WEEK = 7 * 24 * 60 * 60 * 1000

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
  /** One entry a run: its gravest finding of this week that is no mere note, and how many others there are. */
  flagged = $state.raw<readonly FlaggedRun[]>([])
  /** Whether so much was found this week that the oldest of it is not counted. */
  hasMoreFlagged = $state(false)

  constructor(api: Api, project: string) {
    this.#api = api
    this.project = project
  }

  readonly load = async (): Promise<void> => {
    try {
      const [runs, flagged] = await Promise.all([this.#read(), this.#readFlagged()])
      this.runs = runs
      this.flagged = flaggedRuns(flagged)
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

  /** The findings of this week that are no mere notes, the newest first. */
  async #readFlagged(): Promise<Finding[]> {
    // not a dependency: the effect that loads would run again each second
    const since = untrack(() => clock.now) - WEEK
    const flagged: Finding[] = []
    let cursor: string | null = null
    this.hasMoreFlagged = false
    for (let page = 0; page < MOST_PAGES_OF_FINDINGS; page++) {
      const { findings, next_cursor } = await this.#api.projectFindings(this.project, cursor)
      const recent = findings.filter(({ opened_at }) => Date.parse(opened_at) >= since)
      flagged.push(...recent.filter(({ severity }) => severity !== 'info'))
      if (next_cursor === null || recent.length < findings.length) return flagged
      cursor = next_cursor
    }
    this.hasMoreFlagged = true
    return flagged
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
