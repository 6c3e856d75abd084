import { compareNotes } from '@normwatch/detector'
import type { CompareReply } from '@normwatch/protocol'
import type { Store } from '../storage/store.ts'
import type { MeasuredRuns } from './measured-runs.ts'

/** The measures of each run's whole record, or of that of its part of this name, in the order asked. Throws `RunNotFound`, `PartNotFound`. */
export async function compareRuns(
  store: Store,
  measured: MeasuredRuns,
  ids: readonly string[],
  part?: string,
): Promise<CompareReply> {
  const compared = []
  for (const id of ids) {
    const run = await store.runs.get(id)
    const { spikes, ...measures } = await measured.of(run, part)
    compared.push({ run, measures, spikes })
  }
  return {
    runs: compared.map(({ run, measures, spikes }) => ({ run: run.id, name: run.name, ...measures, spikes })),
    notes: compareNotes(compared.map(({ run: { name, config }, measures }) => ({ name, config, measures }))),
  }
}
