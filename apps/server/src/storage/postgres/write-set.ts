import type { LeafBlock } from '../run/leaves.ts'
import type { RunDocuments } from '../run/run-row.ts'
import type { Detection, TailRow } from '../run/tail.ts'

/** What a unit changed. */
export interface WriteSet {
  isNew: boolean
  /** Something changed that a batch alone does not change. */
  isEdited: boolean
  isMoved: boolean
  /** The record was cut, or is to be judged again, or was. */
  isRestated: boolean
  documents: RunDocuments | undefined
  readonly metrics: { readonly number: number; readonly name: string }[]
  readonly tail: TailRow[]
  /** Batches up to this one are removed. */
  tailThrough: number
  detection: Detection | undefined
  /** The blocks of each changed leaf; none if the leaf was removed. */
  readonly leaves: Map<number, Map<number, LeafBlock>>
  /** Pages by block and first step; `null`: removed. */
  readonly pages: Map<
    string,
    { readonly block: number; readonly first: number; readonly page: Uint8Array | null }
  >
}

export const emptyWriteSet = (): WriteSet => ({
  isNew: false,
  isEdited: false,
  isMoved: false,
  isRestated: false,
  documents: undefined,
  metrics: [],
  tail: [],
  tailThrough: 0,
  detection: undefined,
  leaves: new Map(),
  pages: new Map(),
})
