import type { Store } from '../../apps/server/src/storage/store.ts'
import { timed } from './timing.ts'

/** The first page of 10,000 runs, as the runs page asks for it. */
export async function runList(store: Store, count: number) {
  const projects = ['vision', 'language', 'speech', 'default']
  const made: Promise<unknown>[] = []
  for (let i = 0; i < count; i++) {
    const config = { lr: 10 ** -(i % 5), batch: 2 ** (i % 9), model: `model-${i % 17}` }
    made.push(
      store.runs.put(
        `run-${i}`,
        {
          project: projects[i % 4] as string,
          name: `sweep ${i % 100} seed ${i}`,
          tags: [`seed-${i % 10}`, 'sweep'],
          config,
        },
        1_764_000_000_000 + i,
      ),
    )
  }
  await Promise.all(made)
  const page = (query: Partial<Parameters<Store['runs']['list']>[0]>) =>
    timed(100, 5, () => store.runs.list({ limit: 50, ...query }))
  return {
    firstPage: await page({}),
    byProject: await page({ project: 'speech' }),
    byText: await page({ q: 'SEED 77' }),
    byTextWithoutMatch: await page({ q: 'no run is called so' }),
    byTag: await page({ tag: 'seed-3' }),
    byName: await page({ sort: 'name' }),
    byUpdate: await page({ sort: 'updated', status: 'running' }),
  }
}
