import { setTimeout as pause } from 'node:timers/promises'
import type { ListedChanges, RunChanges, SharedChanges } from '../storage/shared-changes.ts'

/** Milliseconds between two looks at the runs that are watched here. */
const LOOK_EVERY_MS = 30
/** The same after a change at this server, which is looked for at once. */
const LOOK_AGAIN_MS = 20
/** Milliseconds between two looks at all runs, while somebody watches the list or waits for findings. */
const LIST_EVERY_MS = 300
/** A look at all runs takes at most one part in so many of a server's time. */
const LIST_SHARE = 5
/** How long after its change a transaction may still commit, in milliseconds. */
const COMMITS_WITHIN_MS = 15_000
/** When the list begins to be watched, runs that changed within so many milliseconds are told as they are. */
const JUST_NOW_MS = 2_000
/** Milliseconds until the next look after one that failed. */
const RETRY_MS = 500
/** Runs that are read at once. */
const AT_ONCE = 4
/** Runs of the list whose versions are kept. */
const MAX_TOLD = 50_000

/** Who is told of changes. */
export interface Followed {
  /** The runs that have readers here, with the version up to which these were told. */
  watched(): ReadonlyMap<string, number>
  /** Whether somebody watches the list of runs, or waits for findings. */
  readonly isListWatched: boolean
  /** What happened to a run after version `after`. */
  take(found: RunChanges, after: number): void
  takeListed(found: ListedChanges, isUrgent: boolean): void
  /** The run was removed; `project` where the list is concerned. */
  gone(id: string, project?: string): void
  /** From now on the list is followed; what is known of it may be a moment old. */
  listFollowed(): void
}

/** What the list was told of a run. */
interface Told {
  readonly version: number
  /** Status and health; `undefined`: not known. */
  readonly look: string | undefined
}

/**
 * Reads from a shared store what happened to the runs that are watched here, whichever server made the change. It asks only
 * while somebody watches or waits.
 */
export class Follower {
  readonly #changes: SharedChanges
  readonly #followed: Followed
  readonly #told = new Map<string, Told>()
  /** Removals that were told, by run and instant. */
  #removals = new Set<string>()
  /** The instant of the last look at all runs, by the database's clock; `undefined`: the list is not followed. */
  #listedUntil: number | undefined
  #listDueAt = 0
  /** Runs of the list that changed at this server. */
  readonly #due = new Set<string>()
  #isWorking = false
  #isWoken = false
  #rest: AbortController | undefined
  #isClosed = false

  constructor(changes: SharedChanges, followed: Followed) {
    this.#changes = changes
    this.#followed = followed
  }

  /** A run changed at this server: its readers should know at once. */
  changed(run: string): void {
    if (this.#followed.isListWatched) this.#due.add(run)
    this.wake()
  }

  /** Somebody may have begun to watch. */
  wake(): void {
    this.#isWoken = true
    this.#rest?.abort()
    if (!this.#isWorking) void this.#work()
  }

  close(): void {
    this.#isClosed = true
    this.#rest?.abort()
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    while (!this.#isClosed && (this.#followed.isListWatched || this.#followed.watched().size > 0)) {
      this.#isWoken = false
      // where the store is away, which requests say, nothing is missed: versions tell where to go on
      const looks = await Promise.allSettled([this.#followRuns(), this.#followList()])
      await this.#wait(looks.some(({ status }) => status === 'rejected') ? RETRY_MS : LOOK_EVERY_MS)
    }
    this.#isWorking = false
    this.#listedUntil = undefined
    this.#due.clear()
  }

  /** Waits so long, or until something changes at this server. */
  async #wait(rest: number): Promise<void> {
    await pause(Math.min(rest, LOOK_AGAIN_MS))
    if (this.#isWoken || this.#isClosed || rest <= LOOK_AGAIN_MS) return
    this.#rest = new AbortController()
    await pause(rest - LOOK_AGAIN_MS, undefined, { signal: this.#rest.signal }).catch(() => undefined)
    this.#rest = undefined
  }

  async #followRuns(): Promise<void> {
    const watched = this.#followed.watched()
    if (watched.size === 0) return
    const versions = await this.#changes.versions([...watched.keys()])
    const changed = [...watched].filter(([id, told]) => versions.get(id) !== told)
    // a run that cannot be read keeps no other waiting
    const reads: PromiseSettledResult<void>[] = []
    for (let from = 0; from < changed.length; from += AT_ONCE) {
      const some = changed.slice(from, from + AT_ONCE)
      reads.push(...(await Promise.allSettled(some.map(([id, told]) => this.#read(id, told)))))
    }
    const failed = reads.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  async #read(id: string, after: number): Promise<void> {
    const found = await this.#changes.of(id, after)
    if (this.#isClosed) return
    if (found === undefined) this.#followed.gone(id)
    else this.#followed.take(found, after)
  }

  async #followList(): Promise<void> {
    if (!this.#followed.isListWatched) {
      this.#listedUntil = undefined
      return
    }
    if (this.#listedUntil === undefined) return this.#beginList()
    const due = new Map(Array.from(this.#due, (id) => [id, this.#told.get(id)?.version ?? 0]))
    this.#due.clear()
    if (performance.now() >= this.#listDueAt) {
      const began = performance.now()
      const { versions, removed, now } = await this.#changes.since(this.#listedUntil - COMMITS_WITHIN_MS)
      for (const [id, version] of versions) {
        const told = this.#told.get(id)?.version ?? 0
        if (told !== version) due.set(id, told)
      }
      this.#tellRemovals(removed)
      this.#listedUntil = now
      this.#listDueAt = performance.now() + Math.max(LIST_EVERY_MS, LIST_SHARE * (performance.now() - began))
    }
    if (due.size > 0) await this.#tellListed(due)
  }

  /** What is known from here on is as of now; what changed just before may be in no list that a reader has. */
  async #beginList(): Promise<void> {
    const { versions, removed, now } = await this.#changes.since(0)
    this.#told.clear()
    for (const [id, version] of versions) this.#told.set(id, { version, look: undefined })
    this.#removals = new Set(removed.map(keyOf))
    const recent = await this.#changes.since(now - JUST_NOW_MS)
    if (recent.versions.size > 0) {
      const known = Array.from(recent.versions.keys(), (id) => {
        const told = this.#told.get(id)?.version
        return [id, told === undefined ? 0 : told - 1] as const
      })
      await this.#tellListed(new Map(known))
    }
    this.#listedUntil = now
    this.#followed.listFollowed()
  }

  async #tellListed(after: ReadonlyMap<string, number>): Promise<void> {
    const all = await this.#changes.listed(after)
    if (!this.#isClosed) for (const found of all) this.#tell(found)
  }

  #tell(found: ListedChanges): void {
    const { id, version, status, health } = found.run
    const told = this.#told.get(id)
    const look = `${status} ${health}`
    const isUrgent = told === undefined || (told.look !== undefined && told.look !== look)
    this.#told.delete(id)
    this.#told.set(id, { version, look })
    if (this.#told.size > MAX_TOLD) this.#told.delete(this.#told.keys().next().value as string)
    this.#followed.takeListed(found, isUrgent || found.findings.length > 0)
  }

  #tellRemovals(removed: Awaited<ReturnType<SharedChanges['since']>>['removed']): void {
    for (const removal of removed) {
      if (this.#removals.has(keyOf(removal))) continue
      this.#told.delete(removal.id)
      this.#followed.gone(removal.id, removal.project)
    }
    this.#removals = new Set(removed.map(keyOf))
  }
}

const keyOf = ({ id, at }: { readonly id: string; readonly at: number }): string => `${at} ${id}`
