import {
  emptyReading,
  end,
  judge,
  newState,
  readingFields,
  verdict,
  type Change,
  type Health,
  type Reading,
  type RunFacts,
  type Settings,
} from '@normwatch/detector'
import type { Run } from '@normwatch/protocol'
import { decodeNumber } from '@normwatch/protocol/number-codec'

/** An episode that settings would have found in a run's record. */
export interface PreviewedFinding {
  readonly kind: string
  readonly severity: 'info' | 'warning' | 'critical'
  readonly openedStep: number | null
  /** `undefined` while it is open. */
  readonly closedStep: number | null | undefined
}
export interface Preview {
  readonly health: Health
  readonly findings: readonly PreviewedFinding[]
}

/** The readings in a run's export, one JSON object a line, in step order. */
export function readingsOf(ndjson: string): Reading[] {
  return ndjson
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readingOf(JSON.parse(line) as Record<string, unknown>))
}

function readingOf(point: Record<string, unknown>): Reading {
  const reading = { ...emptyReading(), step: point['step'] as number, time: point['time'] as number }
  for (const [metric, field] of readingFields) reading[field] = decodeNumber(point[metric])
  const layers = point['layers'] as Record<string, unknown> | undefined
  if (layers === undefined) return reading
  const norms = Object.entries(layers).map(([name, norm]) => [name, decodeNumber(norm) ?? NaN] as const)
  return { ...reading, layers: Object.fromEntries(norms) }
}

/** Judges a record under these settings with the function that the server runs. */
export function previewOf(
  readings: readonly Reading[],
  run: Pick<Run, 'clip' | 'optimizer' | 'status'>,
  settings: Settings,
): Preview {
  const facts = { clip: run.clip, optimizer: run.optimizer } as RunFacts
  const state = newState()
  const findings: PreviewedFinding[] = []
  const note = (changes: readonly Change[]) => {
    for (const change of changes) {
      if (change.type === 'opened') {
        const { kind, severity, step } = change
        findings.push({ kind, severity, openedStep: step, closedStep: undefined })
      } else {
        const place = findings.findLastIndex(({ kind }) => kind === change.kind)
        const open = findings[place]
        if (open !== undefined) findings[place] = { ...open, closedStep: change.step }
      }
    }
  }
  for (const reading of readings) note(judge(state, reading, facts, settings))
  if (run.status !== 'running') note(end(state, run.status, facts, settings))
  return { health: verdict(state, facts, settings).health, findings }
}
