import {
  MAX_EVENTS_PER_REQUEST,
  MAX_POINTS_PER_REQUEST,
  type PointColumns,
  type Run,
  type Session,
} from '@normwatch/protocol'
import type { ImportedRun } from '../runs/imported-run.ts'
import type { ImportApi } from './import-api.ts'
import { pointsBody } from './points-body.ts'

/** Readings in one request: well below the server's bounds on readings and bytes. */
const READINGS_PER_REQUEST = 100_000
const MAX_NOTES = 4096
/** Rows of a log that is followed by reading it again, to which something may be added later. */
const LATE_ROWS = 64
const MAX_CONFIG_BYTES = 48 * 1024

export interface RunLabels {
  readonly project: string | undefined
  readonly name: string | undefined
  readonly tags: readonly string[]
}

/** Sends runs read from logs to the server. Sending one again changes nothing; one that grew gets what is new. */
export class RunSender {
  readonly #api: ImportApi
  readonly #labels: RunLabels
  /** Logs that are not followed hold trainings that have ended. */
  readonly #finishes: boolean
  #mayRemove: Promise<boolean> | undefined
  /** The last step that the server had of each run before this import. */
  readonly #lastBefore = new Map<string, number>()

  constructor(api: ImportApi, labels: RunLabels, finishes = true) {
    this.#finishes = finishes
    this.#api = api
    this.#labels = labels
  }

  /** Makes the run, or updates what is said of it. Gives the run as the server had it before. */
  async begin(run: ImportedRun): Promise<Run | undefined> {
    const before = await this.#find(run.id)
    const { project, name, tags } = this.#labels
    const fields = {
      ...(project !== undefined && { project }),
      name: (name === undefined ? run.name : name.replaceAll('{name}', run.name)).slice(0, 256) || run.id,
      ...(run.clip !== undefined && { clip: run.clip }),
      ...(run.parts.length > 0 && {
        parts: Object.fromEntries(
          run.parts.map(({ name, clip }) => [name, clip === undefined ? {} : { clip }]),
        ),
      }),
      ...(tags.length > 0 && { tags }),
      ...configOf(run),
      notes: [`Imported (${run.format}).`, ...run.notes].join('\n').slice(0, MAX_NOTES),
    }
    await this.#api.send('PUT', `/runs/${run.id}`, JSON.stringify(fields))
    return before
  }

  /** Sends a run whose points are all in memory. Gives how many were new. */
  async sendWhole(run: ImportedRun): Promise<number> {
    const before = await this.begin(run)
    const { step } = run.points
    // another log of this import may have held more of the run: what counts is what the server had before
    const last = (this.#finishes ? this.#lastBefore.get(run.id) : undefined) ?? before?.last_step ?? -1
    this.#lastBefore.set(run.id, last)
    const known = step.findLastIndex((at) => at <= last) + 1
    const seam = Math.min(Infinity, ...run.events.map(({ step: at }) => at))
    const isWhole = before?.points === known || (seam > last && (before?.points ?? 0) >= known)
    // what was read before a resume is not what the training kept
    if (known > 0 && !isWhole && seam <= last) await this.#patch(run.id, { truncate_after: seam - 1 })
    const from = isWhole ? known : 0
    // the server's last row may have been cut off within its line, and a tool that still writes adds to some before it
    await this.post(run.id, run.points, Math.max(0, from - (this.#finishes ? 1 : LATE_ROWS)))
    if (from < step.length) await this.postEvents(run)
    if (this.#finishes && (from < step.length || before?.status === 'running'))
      await this.#patch(run.id, { status: 'finished' })
    return step.length - from
  }

  /** Where the training was resumed, and what else the log tells of. */
  async postEvents(run: ImportedRun): Promise<void> {
    for (let at = 0; at < run.events.length; at += MAX_EVENTS_PER_REQUEST) {
      const events = run.events.slice(at, at + MAX_EVENTS_PER_REQUEST)
      await this.#api.send('POST', `/runs/${run.id}/events`, JSON.stringify({ events }))
    }
  }

  /** Sends points from row `from` on, a request after the other: the next is made while one travels. */
  async post(run: string, points: PointColumns, from = 0): Promise<void> {
    const readings = points.metrics.size + 1
    const rows = Math.max(1, Math.min(MAX_POINTS_PER_REQUEST, Math.floor(READINGS_PER_REQUEST / readings)))
    let travelling: Promise<unknown> = Promise.resolve()
    for (let at = from; at < points.step.length; at += rows) {
      const body = pointsBody(points, at, Math.min(points.step.length, at + rows))
      await travelling
      travelling = this.#api.send('POST', `/runs/${run}/points`, body)
      // whoever waits for it is told
      travelling.catch(() => {})
    }
    await travelling
  }

  /** Drops what the server has of a run from a step on: the training was resumed there. */
  async dropFrom(run: string, step: number): Promise<void> {
    await this.#patch(run, { truncate_after: step - 1 })
  }

  async finish(run: string): Promise<Run> {
    return this.#patch(run, { status: 'finished' })
  }

  /** Whether runs may be removed: not with a token that may only write. */
  async mayRemove(): Promise<boolean> {
    this.#mayRemove ??= this.#api.find<Session>('/session').then((session) => {
      const scope = session?.caller?.scope ?? 'admin'
      return scope === 'admin'
    })
    return this.#mayRemove
  }

  /** Removes a run. */
  async remove(run: string): Promise<void> {
    await this.#api.remove(`/runs/${run}`)
  }

  async state(run: string): Promise<Run | undefined> {
    return this.#find(run)
  }

  #patch(run: string, patch: object): Promise<Run> {
    return this.#api.send('PATCH', `/runs/${run}`, JSON.stringify(patch))
  }

  #find(run: string): Promise<Run | undefined> {
    return this.#api.find<Run>(`/runs/${run}`)
  }
}

/** The log's settings, where they fit. */
function configOf({ config }: ImportedRun): { config?: Record<string, unknown> } {
  const entries = Object.entries(config)
    .filter(([name, value]) => name.length <= 256 && value !== undefined && depthOf(value) < 24)
    .slice(0, 512)
  if (entries.length === 0) return {}
  const kept = Object.fromEntries(entries)
  return JSON.stringify(kept).length > MAX_CONFIG_BYTES ? {} : { config: kept }
}

function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > 32) return depth
  return Math.max(depth + 1, ...Object.values(value).map((item) => depthOf(item, depth + 1)))
}
