import { append, columns, judgement, record } from '../store.fixture.ts'
import type { Store } from '../store.ts'

/** What a training and those who look at it do, over and over. */
export async function useRun(store: Store, run: string): Promise<void> {
  const clip = { mode: 'norm', max_norm: 1 } as const
  await store.runs.put(run, { clip, config: { lr: 0.1 } }, 1)
  for (let at = 0; at < 6_000; at += 500) {
    const step = Array.from({ length: 500 }, (_, i) => at + i)
    const readings = { grad_norm: step.map((one) => one % 7), loss: step, 'layers/a': step }
    await append(store, { run, columns: columns(step, readings), state: at % 1000 === 0 ? '{}' : undefined })
  }
  // late and repeated steps rewrite leaves
  await append(store, { run, columns: columns([3, 4, 70_000], { loss: [1, 2, 3] }) })
  await store.points.detection(run)
  await store.points.series({ run, metrics: ['grad_norm', 'loss'], maxPoints: 100 })
  await store.points.series({ run, metrics: ['loss'], from: 100, to: 900, maxPoints: 1000 })
  for await (const _ of store.points.read(run, {})) void _
  for await (const _ of store.points.readings(run, 'loss', {})) void _
  await store.points.metrics(run)
  await store.runs.get(run)
  await store.runs.put(run, { clip: { mode: 'norm', max_norm: 2 } }, 2)
  await store.events.put(run, [{ step: 1, time: 1, label: 'a', text: null }])
  await store.events.list(run, {})
  await store.settings.put({ run }, {})
  await store.settings.get({ run })
  await record(store, run, { judgement })
  await store.runs.patch(run, { notes: 'kept', truncate_after: 3000 }, 3)
  await store.runs.patch(run, { status: 'finished' }, 4)
}
