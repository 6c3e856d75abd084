import { metaOf, recordedNames, recordedRun } from '../../importers/test/recorded-logs.ts'
import type { ImportedRun } from '../../importers/src/index.ts'
import {
  defaultSettings,
  end,
  judge,
  newState,
  verdict,
  type Change,
  type Health,
  type Reading,
  type RunFacts,
  type Settings,
} from '../src/index.ts'
import { clipAt, reading } from './readings.ts'

const FIELDS = {
  grad_norm: 'gradNorm',
  loss: 'loss',
  lr: 'lr',
  loss_scale: 'lossScale',
  skipped: 'skipped',
} as const

/** The readings of an imported run, a step each, as the detector takes them. */
export function readingsOf({ points }: ImportedRun): Reading[] {
  return Array.from(points.step, (step, i) => {
    const parts: Partial<Reading> = { time: points.time[i] as number }
    for (const [metric, field] of Object.entries(FIELDS)) {
      const column = points.metrics.get(metric)
      if (column !== undefined && (column.present === null || column.present[i] === 1))
        parts[field] = column.values[i]
    }
    return reading(step, parts)
  })
}

/** What judging a whole run came to. */
export interface Judged {
  readonly name: string
  readonly behaviour: readonly string[]
  readonly norms: number
  readonly changes: readonly { readonly change: Change; readonly point: number }[]
  /** Before the run was ended, and after. */
  readonly health: Health
  readonly finalHealth: Health
  readonly stateBytes: number
}

/** Judges readings from the start to the end of their run. */
export function judgeAll(
  readings: readonly Reading[],
  facts: RunFacts,
  settings: Settings = defaultSettings,
): Omit<Judged, 'name' | 'behaviour'> {
  const state = newState()
  const changes: { change: Change; point: number }[] = []
  readings.forEach((reading, point) => {
    for (const change of judge(state, reading, facts, settings)) changes.push({ change, point })
  })
  const { health } = verdict(state, facts, settings)
  const stateBytes = JSON.stringify(state).length
  for (const change of end(state, 'finished', facts, settings))
    changes.push({ change, point: readings.length - 1 })
  const norms = readings.filter(({ gradNorm }) => gradNorm !== undefined).length
  return { norms, changes, health, finalHealth: verdict(state, facts, settings).health, stateBytes }
}

/** Every recorded log, judged. */
export function judgeRecordedRuns(): Judged[] {
  return recordedNames.map((name) => {
    const meta = metaOf(name)
    const judged = judgeAll(readingsOf(recordedRun(name)), clipAt(meta.max_norm))
    return { name, behaviour: meta.behaviour, ...judged }
  })
}
