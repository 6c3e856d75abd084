import type { Clip, Health } from '@normwatch/protocol'
import { PartNotFound, type StoredRun } from '../storage/store.ts'

/** The stream of gradients that an analysis reads: that of a part, or of the run itself. */
export interface AnalysedPart {
  /** `null`: the run itself. */
  readonly name: string | null
  readonly clip: Clip
  readonly optimizer: string | null
  readonly health: Health
  readonly clipping: StoredRun['clipping']
}

/** The part of this name; the run itself without one. Throws `PartNotFound`. */
export function partOf(
  {
    id,
    clip,
    optimizer,
    health,
    clipping,
    parts,
  }: Pick<StoredRun, 'id' | 'clip' | 'optimizer' | 'health' | 'clipping' | 'parts'>,
  name: string | undefined,
): AnalysedPart {
  if (name === undefined) return { name: null, clip, optimizer, health, clipping }
  const part = parts.find((one) => one.name === name)
  if (part === undefined) throw new PartNotFound(id, name)
  return { ...part, optimizer: part.optimizer ?? optimizer }
}
