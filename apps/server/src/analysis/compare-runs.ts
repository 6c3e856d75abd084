import { compareNotes, RunMeasurer } from '@normwatch/detector'
import type { CompareReply } from '@normwatch/protocol'
import type { Store, StoredRun } from '../storage/store.ts'

const METRICS = ['grad_norm', 'loss', 'max_norm', 'clip_fraction']
const FINDINGS_A_PAGE = 1_000

/** Measures each run's whole record, in the order asked. Throws `RunNotFound`. */
export async function compareRuns(store: Store, ids: readonly string[]): Promise<CompareReply> {
  const measured = []
  for (const id of ids) {
    const run = await store.runs.get(id)
    measured.push({ run, measures: await measure(store, run), spikes: await countSpikes(store, id) })
  }
  return {
    runs: measured.map(({ run, measures, spikes }) => ({ run: run.id, name: run.name, ...measures, spikes })),
    notes: compareNotes(measured.map(({ run: { name, config }, measures }) => ({ name, config, measures }))),
  }
}

async function measure(store: Store, { id, clip, optimizer }: StoredRun) {
  const measurer = new RunMeasurer({ clip, optimizer })
  for await (const { step, time, metrics } of store.points.read(id, { metrics: METRICS })) {
    measurer.add({
      step,
      time,
      gradNorm: metrics.get('grad_norm'),
      loss: metrics.get('loss'),
      cap: metrics.get('max_norm'),
      clipFraction: metrics.get('clip_fraction'),
    })
  }
  return measurer.result()
}

async function countSpikes(store: Store, run: string): Promise<number> {
  let count = 0
  let cursor: string | null = null
  do {
    const page = await store.findings.list({
      run,
      kind: 'spike',
      limit: FINDINGS_A_PAGE,
      cursor: cursor ?? undefined,
    })
    count += page.findings.length
    cursor = page.next_cursor
  } while (cursor !== null)
  return count
}
