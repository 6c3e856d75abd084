import { setImmediate as nextTurn } from 'node:timers/promises'
import { NormRecord } from '@normwatch/detector'
import type { CapsReply } from '@normwatch/protocol'
import type { Store } from '../storage/store.ts'

const QUANTILES = { p10: 0.1, p50: 0.5, p90: 0.9, p99: 0.99, max: 1 } as const
/** Norms read at once: about 5 ms of work, after which other requests have their turn. */
const NORMS_A_TURN = 2 ** 17

/**
 * The what-if: what each cap would have done to the finite norms recorded from step `from` to step `to`. Without caps,
 * about 64 over the range seen. Throws `RunNotFound`.
 */
export async function tryCaps(
  store: Store,
  run: string,
  range: { readonly from?: number | undefined; readonly to?: number | undefined },
  caps: readonly number[] | undefined,
): Promise<CapsReply> {
  const record = new NormRecord()
  let turns = 1
  for await (const { metrics } of store.points.read(run, { ...range, metrics: ['grad_norm'] })) {
    const norms = metrics.get('grad_norm')
    if (norms !== undefined) record.add(norms)
    if (record.count >= turns * NORMS_A_TURN) {
      turns++
      await nextTurn()
    }
  }
  const values = record.quantiles(Object.values(QUANTILES))
  const quantiles = Object.fromEntries(Object.keys(QUANTILES).map((name, i) => [name, values[i] ?? null]))
  return { steps: record.count, quantiles, curve: record.curve(caps) }
}
