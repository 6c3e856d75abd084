import type { FastifyRequest } from 'fastify'
import { Refusal } from '../../errors.ts'
import type { StoredLimits } from '../../storage/limit-store.ts'
import type { Store } from '../../storage/store.ts'
import { KeptReading } from './kept-reading.ts'
import { growingProject, projectOf } from './run-project.ts'
import { CHANGES_RUNS, countPoints, isPoints, routeOf } from './requests.ts'

/** Before a request is refused, totals of this age are read again. */
const RECENT_MS = 1_000
/** Reading totals may take at most this share of the time. */
const SHARE = 1 / 1_000
/** Runs whose project is remembered. */
const MAX_RUNS_KNOWN = 10_000

interface Held {
  runs: number
  /** As the store said. */
  readonly stored: number
  /** With what was sent since, of which some may replace older points. */
  points: number
}

/**
 * Refuses what would take a project beyond the limits that an admin set. While no project has a limit, a request costs
 * nothing. What other servers store counts within ten seconds.
 */
export class ProjectLimits {
  readonly #store: Pick<Store, 'limits' | 'runs'>
  readonly #limits: KeptReading<ReadonlyMap<string, StoredLimits>>
  readonly #held: KeptReading<Map<string, Held>>
  readonly #projects = new Map<string, string>()

  constructor(store: Pick<Store, 'limits' | 'runs'>, now: () => number) {
    this.#store = store
    this.#limits = new KeptReading(() => this.#readLimits(), now)
    this.#held = new KeptReading(() => this.#readTotals(), now, SHARE)
  }

  /** The limits were changed: the next request meets the new ones. */
  forget(): void {
    this.#limits.forget()
    this.#held.forget()
  }

  /** After the request's body was read. Throws a `Refusal` that names the limit. */
  async admit(request: FastifyRequest): Promise<void> {
    const sendsPoints = isPoints(request)
    if (!sendsPoints && !CHANGES_RUNS.includes(routeOf(request))) return
    const limits = await this.#limits.fresh()
    if (limits.size === 0) return
    if (sendsPoints) await this.#admitPoints(request, limits)
    else await this.#admitRun(request, limits)
  }

  async #admitPoints(
    { params, body }: FastifyRequest,
    limits: ReadonlyMap<string, StoredLimits>,
  ): Promise<void> {
    const project = await this.#projectOf((params as { id: string }).id)
    const max = project === undefined ? undefined : limits.get(project)?.max_points
    if (project === undefined || max == null) return
    const isOver = ({ points }: Held) => points >= max
    const held = await this.#heldBy(project, isOver)
    if (held.stored >= max) throw full(project, max, 'points')
    held.points += countPoints(body)
  }

  async #admitRun(request: FastifyRequest, limits: ReadonlyMap<string, StoredLimits>): Promise<void> {
    const project = await growingProject(request, this.#store.runs)
    if (project === undefined) return
    // a run that is moved
    this.#projects.clear()
    const max = limits.get(project)?.max_runs
    if (max == null) return
    const isOver = ({ runs }: Held) => runs >= max
    const held = await this.#heldBy(project, isOver)
    if (isOver(held)) throw full(project, max, 'runs')
    held.runs++
  }

  /** What the project holds; by recent totals where it is over its limit. */
  async #heldBy(project: string, isOver: (held: Held) => boolean): Promise<Held> {
    const held = heldIn(await this.#held.fresh(), project)
    return isOver(held) ? heldIn(await this.#held.youngerThan(RECENT_MS), project) : held
  }

  async #projectOf(run: string): Promise<string | undefined> {
    const known = this.#projects.get(run)
    if (known !== undefined) return known
    const project = await projectOf(this.#store.runs, run)
    if (this.#projects.size >= MAX_RUNS_KNOWN) this.#projects.clear()
    if (project !== undefined) this.#projects.set(run, project)
    return project
  }

  async #readLimits(): Promise<ReadonlyMap<string, StoredLimits>> {
    const limits = await this.#store.limits.list()
    // another server may have moved a run
    this.#projects.clear()
    return new Map(limits.map((one) => [one.project, one]))
  }

  async #readTotals(): Promise<Map<string, Held>> {
    const totals = await this.#store.runs.totals()
    return new Map(totals.map(({ project, runs, points }) => [project, { runs, stored: points, points }]))
  }
}

function heldIn(totals: Map<string, Held>, project: string): Held {
  let held = totals.get(project)
  if (held === undefined) totals.set(project, (held = { runs: 0, stored: 0, points: 0 }))
  return held
}

const full = (project: string, max: number, what: 'runs' | 'points') =>
  new Refusal(
    'project_full',
    `The project "${project}" has reached its limit of ${max.toLocaleString('en')} ${what}: delete runs, or ask an admin to raise it.`,
  )
