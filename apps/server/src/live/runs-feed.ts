import type { Finding } from '@normwatch/protocol'
import type { ListedRun } from '../storage/store.ts'
import { findingFrame, gapFrame, runFrame } from './frames.ts'
import type { Reader } from './reader.ts'

/** Milliseconds between two rounds of changes that are not urgent. */
const ROUND_EVERY_MS = 500
/** Frames per second that are reserved for urgent changes. */
const RESERVED_FOR_URGENT = 5
/** Runs and findings whose latest change is kept for slow readers. */
const MAX_ENTRIES = 2_000

interface Entry {
  readonly project: string
  readonly frame: () => string
  /** The order of this change, of the last urgent one before or with it, and of the change if it is a finding's, else 0. */
  readonly place: number
  readonly urgentPlace: number
  readonly findingPlace: number
}

/** What a reader was sent, in each order. */
interface Watch {
  readonly projects: Set<string | undefined>
  place: number
  urgentPlace: number
  findingPlace: number
}

/**
 * Sends changed runs and findings to the readers of the runs list, only the newest version of each: findings at once,
 * then urgent changes, then the others.
 */
export class RunsFeed {
  readonly #now: () => number
  /** The newest version of each run and finding that changed lately, by its id, in the order of the changes. */
  readonly #entries = new Map<string, Entry>()
  readonly #watches = new Map<Reader, Watch>()
  #place = 0
  #timer: NodeJS.Timeout | undefined
  #dueAt = Infinity
  #roundAt = -Infinity

  constructor(now: () => number) {
    this.#now = now
  }

  get isWatched(): boolean {
    return this.#watches.size > 0
  }

  changed(run: ListedRun, seq: number, urgent: boolean): void {
    this.#keep(`run ${run.id}`, run.project, () => listedFrame(seq, run), urgent ? 'urgent' : 'plain')
  }

  /** A finding of a run of this project opened or closed. */
  found(finding: Finding, project: string, seq: number): void {
    this.#keep(`finding ${finding.id}`, project, () => findingFrame(seq, finding), 'finding')
  }

  deleted(run: string, project: string): void {
    this.#entries.delete(`run ${run}`)
    for (const [reader, watch] of this.#watches) {
      if (concerns(reader, watch, project)) reader.send(gapFrame(run, 'deleted'), this.#now())
    }
  }

  /** `project` undefined: the runs of all projects that the reader may see. */
  watch(reader: Reader, project: string | undefined): void {
    const known = this.#watches.get(reader)
    if (known !== undefined) known.projects.add(project)
    else
      this.#watches.set(reader, {
        projects: new Set([project]),
        place: this.#place,
        urgentPlace: this.#place,
        findingPlace: this.#place,
      })
  }

  unwatch(reader: Reader, project: string | undefined): void {
    const watch = this.#watches.get(reader)
    watch?.projects.delete(project)
    if (watch?.projects.size === 0) this.leave(reader)
  }

  leave(reader: Reader): void {
    this.#watches.delete(reader)
    if (this.#watches.size === 0) this.close()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#dueAt = Infinity
  }

  #keep(key: string, project: string, frame: () => string, haste: 'finding' | 'urgent' | 'plain'): void {
    const place = ++this.#place
    const urgentPlace = haste === 'urgent' ? place : (this.#entries.get(key)?.urgentPlace ?? 0)
    const findingPlace = haste === 'finding' ? place : 0
    this.#entries.delete(key)
    this.#entries.set(key, { project, frame, place, urgentPlace, findingPlace })
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value as string)
    this.#schedule(haste !== 'plain' ? 0 : this.#roundAt + ROUND_EVERY_MS)
  }

  #schedule(at: number): void {
    if (this.#watches.size === 0 || this.#dueAt <= at) return
    clearTimeout(this.#timer)
    this.#dueAt = at
    this.#timer = setTimeout(() => this.#round(), Math.max(0, at - this.#now()))
  }

  #round(): void {
    this.#dueAt = Infinity
    const now = (this.#roundAt = this.#now())
    let isBehind = false
    for (const [reader, watch] of this.#watches) {
      if (!this.#tell(reader, watch, now)) isBehind = true
    }
    if (isBehind) this.#schedule(now + ROUND_EVERY_MS)
  }

  /** Sends what the reader may get now; returns whether it is then up to date. */
  #tell(reader: Reader, watch: Watch, now: number): boolean {
    for (const order of ['findingPlace', 'urgentPlace', 'place'] as const) {
      for (const entry of this.#entries.values()) {
        if (entry[order] <= watch[order]) continue
        const wasSent =
          order === 'place' && (entry.urgentPlace === entry.place || entry.findingPlace === entry.place)
        if (!wasSent && concerns(reader, watch, entry.project)) {
          if (reader.isSlow) return false
          // The limit of twenty frames a second applies to all but findings.
          const reserved = order === 'place' ? RESERVED_FOR_URGENT : 0
          if (order !== 'findingPlace' && !reader.mayGet(now, reserved)) return false
          reader.send(entry.frame(), now)
        }
        watch[order] = entry[order]
      }
    }
    return true
  }
}

/** Frames of the list leave the run's config out. */
function listedFrame(seq: number, run: ListedRun): string {
  const { config: _, ...listed } = run
  return runFrame(seq, listed)
}

function concerns(reader: Reader, { projects }: Watch, project: string): boolean {
  return (projects.has(undefined) || projects.has(project)) && reader.mayHearOf(project)
}
