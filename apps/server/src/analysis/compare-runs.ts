import { setImmediate as nextTurn } from 'node:timers/promises'
import { compareNotes, RunMeasurer } from '@normwatch/detector'
import { metricOf, type CompareReply } from '@normwatch/protocol'
import { inSlices } from '../in-slices.ts'
import type { Store, StoredRun } from '../storage/store.ts'
import { partOf } from './part-of.ts'

const FINDINGS_A_PAGE = 1_000

/** Measures each run's whole record, or that of its part of this name, in the order asked. Throws `RunNotFound`, `PartNotFound`. */
export async function compareRuns(
  store: Store,
  ids: readonly string[],
  part?: string,
): Promise<CompareReply> {
  const measured = []
  for (const id of ids) {
    const run = await store.runs.get(id)
    measured.push({
      run,
      measures: await measure(store, run, part),
      spikes: await countSpikes(store, id, part ?? null),
    })
  }
  return {
    runs: measured.map(({ run, measures, spikes }) => ({ run: run.id, name: run.name, ...measures, spikes })),
    notes: compareNotes(measured.map(({ run: { name, config }, measures }) => ({ name, config, measures }))),
  }
}

async function measure(store: Store, run: StoredRun, part: string | undefined) {
  const { name, clip, optimizer } = partOf(run, part)
  const [gradNorm, cap, clipFraction, ownLoss] = ['grad_norm', 'max_norm', 'clip_fraction', 'loss'].map(
    (metric) => metricOf(metric, name),
  ) as [string, string, string, string]
  // a part without a loss of its own uses the run's
  const loss = (await store.points.metrics(run.id)).includes(ownLoss) ? ownLoss : 'loss'
  const measurer = new RunMeasurer({ clip, optimizer })
  const metrics = [gradNorm, loss, cap, clipFraction]
  for await (const block of store.points.read(run.id, { metrics })) {
    measurer.add({
      step: block.step,
      time: block.time,
      gradNorm: block.metrics.get(gradNorm),
      loss: block.metrics.get(loss),
      cap: block.metrics.get(cap),
      clipFraction: block.metrics.get(clipFraction),
    })
    // others are served between the blocks
    await nextTurn()
  }
  return inSlices(measurer.resultInSlices())
}

async function countSpikes(store: Store, run: string, part: string | null): Promise<number> {
  let count = 0
  let cursor: string | null = null
  do {
    const page = await store.findings.list({
      run,
      kind: 'spike',
      limit: FINDINGS_A_PAGE,
      cursor: cursor ?? undefined,
    })
    count += page.findings.filter((finding) => finding.part === part).length
    cursor = page.next_cursor
    await nextTurn()
  } while (cursor !== null)
  return count
}
