import type { ListedRun } from '../../store.ts'
import { toListed, type ListKey, type ListRow } from '../../run/list-runs.ts'

/** Runs that are kept, about a kilobyte each. */
const MAX_KEPT = 512

interface Kept {
  readonly row: ListKey
  readonly listed: ListedRun
}

/** Runs as lists show them, kept for as long as they stay as they are: most of a list is as in the list before. */
export class ListedRuns {
  readonly #read: { get(key: number): ListRow | undefined }
  /** By key, the one shown last at the end. */
  readonly #kept = new Map<number, Kept>()

  constructor(read: { get(key: number): ListRow | undefined }) {
    this.#read = read
  }

  /** The run of this row, which is in the table now. The same object as before if the run has not changed. */
  of(row: ListKey): ListedRun {
    const before = this.#kept.get(row.key)
    this.#kept.delete(row.key)
    // the key of a run that was removed may be another's now
    const isSame =
      before?.row.version === row.version &&
      before.row.createdAt === row.createdAt &&
      before.row.id === row.id
    const listed = isSame ? before.listed : toListed(this.#read.get(row.key) as ListRow)
    this.#kept.set(row.key, { row, listed })
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value as number)
    return listed
  }
}
