import type { Store } from '../../apps/server/src/storage/store.ts'
import { judgement } from './ingest.ts'
import { stepsOf } from './run-of-steps.ts'
import { timed } from './timing.ts'

/** Typical runs of teams: several projects, healths and statuses, with tags, configs and a few points; the first has the number `from`. */
export async function makeRuns(store: Store, count: number, from = 0): Promise<void> {
  const projects = ['vision', 'language', 'speech', 'default']
  const make = async (i: number): Promise<void> => {
    const run = `run-${i}`
    const now = 1_764_000_000_000 + i
    const config = { lr: 10 ** -(i % 5), batch: 2 ** (i % 9), model: `model-${i % 17}` }
    const fields = { name: `sweep ${i % 100} seed ${i}`, tags: [`seed-${i % 10}`, 'sweep'], config }
    const created = await store.runs.put(run, { project: projects[i % 4] as string, ...fields }, now)
    await store.points.append({
      run,
      columns: stepsOf(0, 10, { seed: i }),
      arrivedAt: now,
      judgement: { ...judgement, health: (['ok', 'ok', 'watch', 'flagged'] as const)[i % 4] as 'ok' },
      changes: [],
      version: created.run.version,
    })
    if (i % 10 !== 0) await store.runs.patch(run, { status: 'finished' }, now)
  }
  await Promise.all(Array.from({ length: count }, (_, i) => make(from + i)))
}

/** Times pages of 50, as the runs page requests them, from the request to the last byte of the answer. */
export async function runList(url: string) {
  const page = (query: string) =>
    timed(500, 20, async () => {
      const answer = await fetch(`${url}/api/v1/runs?limit=50${query}`)
      if (!answer.ok) throw new Error(`${query}: ${answer.status}`)
      await answer.arrayBuffer()
    })
  return {
    firstPage: await page(''),
    byProject: await page('&project=speech'),
    byHealth: await page('&health=flagged'),
    byStatus: await page('&status=running&sort=updated'),
    byTag: await page('&tag=seed-3'),
    byText: await page('&q=SEED%2077'),
    byTextWithoutMatch: await page('&q=no%20run%20is%20called%20so'),
    byAll: await page('&project=language&health=ok&status=finished&tag=seed-3&q=sweep%201'),
    byName: await page('&sort=name'),
  }
}
