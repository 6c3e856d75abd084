import type { Cause, FindingKind } from '../contract.ts'
import type { Around } from '../diagnosis/cause.ts'
import { diagnoseAround } from '../diagnosis/diagnose.ts'
import { findingKinds } from './all.ts'
import type { FindingKindRecord } from './finding-kind.ts'

/** The diagnosis of a finding of this kind (its API name) once it is known what moved and happened around its beginning. */
export function explainedDiagnosis(
  kind: string,
  diagnosis: readonly Cause[],
  around: Around,
): readonly Cause[] {
  if (!Object.hasOwn(findingKinds, kind)) return diagnosis
  const { causes }: FindingKindRecord = findingKinds[kind as FindingKind]
  return diagnoseAround(diagnosis, causes, around)
}
