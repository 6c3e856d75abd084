import type { CapsReply } from '@normwatch/protocol'
import { inSlices } from '../in-slices.ts'
import type { RecentNorms, StepRange } from './recent-norms.ts'

const QUANTILES = { p10: 0.1, p50: 0.5, p90: 0.9, p99: 0.99, max: 1 } as const

/**
 * The what-if: what each cap would have done to the finite norms recorded from step `from` to step `to`. Without caps,
 * about 64 over the range seen. With `part`, the norms of that part. Throws `RunNotFound`, `PartNotFound`.
 */
export async function tryCaps(
  norms: RecentNorms,
  run: string,
  range: StepRange,
  caps: readonly number[] | undefined,
  part?: string,
): Promise<CapsReply> {
  const record = await norms.of(run, range, part)
  const { quantiles: values, curve } = await inSlices(record.look(Object.values(QUANTILES), caps))
  const quantiles = Object.fromEntries(Object.keys(QUANTILES).map((name, i) => [name, values[i] ?? null]))
  return { steps: record.count, quantiles, curve }
}
