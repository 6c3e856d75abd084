import { LAYER_PREFIX, type Run as RunReply, type SeriesReply } from '@normwatch/protocol'
import { bounded, cut } from '../bounded.ts'
import { pathOf, Run, type Tool } from './tool.ts'

/** Buckets of the norm's history. */
const PIECES = 40
const MAX_CONFIG = 8_000

export const getRun: Tool = {
  name: 'get_run',
  title: 'Show a training run',
  description:
    'One run: its cap, configuration, newest readings, what clipping did, what holds now, and the course of its gradient norm ' +
    '(smallest and largest in up to 40 stretches of steps, and how many of them were over the cap).',
  properties: { run: Run },
  required: ['run'],
  async answer(ask, { run: id }) {
    const [run, { series }] = await Promise.all([
      ask<RunReply>(pathOf(id)),
      ask<SeriesReply>(`${pathOf(id)}/series`, { metric: 'grad_norm', max_points: PIECES }),
    ])
    const norm = series['grad_norm']
    const { kept, leftOut } = bounded(
      Object.entries(run.latest).filter(([name]) => !name.startsWith(LAYER_PREFIX)),
      4_000,
    )
    const config = JSON.stringify(run.config)
    return {
      ...run,
      name: cut(run.name, 256),
      notes: cut(run.notes, 2_000),
      config: config.length <= MAX_CONFIG ? run.config : `${cut(config, MAX_CONFIG)} (cut)`,
      latest: Object.fromEntries(kept),
      latest_left_out: leftOut,
      parts: run.parts.map(({ name, clip, clipping, health }) => ({ name, clip, clipping, health })),
      norm: norm && {
        from_step: norm.step,
        min: norm.min,
        max: norm.max,
        steps: norm.count,
        over_cap: norm.over,
      },
    }
  },
}
