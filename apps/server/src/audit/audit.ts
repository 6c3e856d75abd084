import type { AuditStore } from '../storage/audit-store.ts'
import type { Audited } from './audited-routes.ts'
import { OnceAMinute } from './once-a-minute.ts'

/** Who did something: a caller, or one of those without an id. */
export type Actor = { readonly id: string; readonly name: string } | 'command line' | 'service' | 'unknown'

/** What a caller does over and over is recorded once a minute: reading the same record again, being refused again. */
export class Audit {
  readonly #store: AuditStore
  readonly #now: () => number
  readonly #refused: OnceAMinute
  readonly #exported: OnceAMinute
  /** Entries of exports that are not durable yet: the same export meanwhile waits for them. */
  readonly #pending = new Map<string, Promise<void>>()

  constructor(store: AuditStore, now: () => number) {
    this.#store = store
    this.#now = now
    this.#refused = new OnceAMinute(now)
    this.#exported = new OnceAMinute(now)
  }

  /** Resolves when the entry is durable: reply only then. `address` is that of the request. */
  async record(by: Actor, address: string | undefined, audited: Audited): Promise<void> {
    const { action, kind, id = null, project = null, detail = null } = audited
    await this.#store.record({
      at: this.#now(),
      actor_id: typeof by === 'string' ? null : by.id,
      actor: typeof by === 'string' ? by : by.name,
      action,
      target_kind: kind,
      target: id,
      project,
      address: address ?? null,
      detail,
    })
  }

  /** The same for what is read: by one caller and of one target once a minute. */
  async recordExport(
    by: Exclude<Actor, string>,
    address: string | undefined,
    audited: Audited,
  ): Promise<void> {
    const { action, id } = audited
    const name = JSON.stringify([by.id, action, id])
    if (this.#exported.leftOut(name) === undefined) return this.#pending.get(name)
    const recorded = this.record(by, address, audited)
      .catch((error: unknown) => {
        this.#exported.forget(name)
        throw error
      })
      .finally(() => this.#pending.delete(name))
    this.#pending.set(name, recorded)
    await recorded
  }

  /** A sign-in that was refused; of one address once a minute, so that nobody can fill the disk. */
  async refused(address: string | undefined, reason: string, by: Actor = 'unknown'): Promise<void> {
    const left = this.#refused.leftOut(JSON.stringify([address, by]))
    if (left === undefined) return
    const more = left === 0 ? '' : `; ${left} more before it`
    await this.record(by, address, {
      action: 'session.refuse',
      kind: 'session',
      detail: reason + more,
    })
  }
}
