import type { AuditChain, AuditEntry } from '@normwatch/protocol'
import { sentenceOf } from '#lib/api/failure.ts'
import { WHOLE_LOG, type AuditFilter } from '#lib/api/workspace.ts'
import { workspaceApi } from '#lib/api/workspace-root.ts'

/** Entries of the audit log, the newest first, and whether its chain is whole. */
export class AuditLog {
  #entries = $state.raw<readonly AuditEntry[]>([])
  #filter = $state.raw<AuditFilter>(WHOLE_LOG)
  #cursor = $state<string | null>(null)
  #phase = $state<'loading' | 'ready' | 'failed'>('loading')
  #failure = $state('')
  #chain = $state.raw<AuditChain>()
  /** Which answer is waited for: those to older questions are ignored. */
  #asked = 0

  get entries(): readonly AuditEntry[] {
    return this.#entries
  }
  get filter(): AuditFilter {
    return this.#filter
  }
  get hasOlder(): boolean {
    return this.#cursor !== null
  }
  get phase(): 'loading' | 'ready' | 'failed' {
    return this.#phase
  }
  get failure(): string {
    return this.#failure
  }
  /** `undefined` until it has been checked. */
  get chain(): AuditChain | undefined {
    return this.#chain
  }

  load = async (filter: AuditFilter = this.#filter): Promise<void> => {
    this.#filter = filter
    await this.#read(null)
  }

  older = (): Promise<void> => this.#read(this.#cursor)

  check = async (): Promise<void> => {
    try {
      this.#chain = await workspaceApi.auditChain()
    } catch (error) {
      this.#failure = sentenceOf(error)
    }
  }

  async #read(cursor: string | null): Promise<void> {
    const asked = ++this.#asked
    try {
      const { entries, next_cursor } = await workspaceApi.audit(this.#filter, cursor)
      if (asked !== this.#asked) return
      this.#entries = cursor === null ? entries : [...this.#entries, ...entries]
      this.#cursor = next_cursor
      this.#phase = 'ready'
      this.#failure = ''
    } catch (error) {
      if (asked !== this.#asked) return
      this.#failure = sentenceOf(error)
      if (this.#phase === 'loading') this.#phase = 'failed'
    }
  }
}
