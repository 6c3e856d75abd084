import type { Clip, Health, RunStatus, WireNumber } from '@normwatch/protocol'
import type { Judgement, StoredRun } from '../store.ts'
import type { runDocuments, runs } from './tables.ts'

export type RunRow = typeof runs.$inferSelect
export type RunDocuments = Omit<typeof runDocuments.$inferSelect, 'run'>

/** The newest reading of each metric that is not a layer, with its step. */
export type Latest = Record<string, [step: number, value: WireNumber]>

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** The parts of a run that no batch changes. */
export function fixedParts(row: RunRow, documents: RunDocuments) {
  return {
    id: row.id,
    project: row.project,
    name: row.name,
    status: row.status,
    clip: JSON.parse(row.clip) as Clip,
    optimizer: row.optimizer,
    config: JSON.parse(documents.config) as StoredRun['config'],
    tags: JSON.parse(row.tags) as string[],
    notes: documents.notes,
    created_at: iso(row.createdAt),
    ended_at: row.endedAt === null ? null : iso(row.endedAt),
  }
}

/** The parts that batches and judgements change. */
export function movingParts(row: RunRow, latest: Latest, conditions: Judgement['conditions']) {
  return {
    updated_at: iso(row.updatedAt),
    points: row.points,
    last_step: row.lastStep,
    latest: Object.fromEntries(Object.entries(latest).map(([name, [, value]]) => [name, value])),
    clipping: {
      window: row.window,
      rate: row.rate,
      rate_total: row.judged === 0 ? null : row.over / row.judged,
      mean_coefficient: row.meanCoefficient,
      current_streak: row.currentStreak,
      longest_streak: row.longestStreak,
    },
    nonfinite: row.nonfinite,
    health: row.health,
    conditions,
    last_arrival: row.lastArrival,
  }
}

export function toRun(row: RunRow, documents: RunDocuments): StoredRun {
  const latest = JSON.parse(row.latest) as Latest
  const conditions = JSON.parse(row.conditions) as StoredRun['conditions']
  return { ...fixedParts(row, documents), ...movingParts(row, latest, conditions) }
}

/** 0 flagged, 1 watch, 2 running, 3 the rest. */
export function attention(health: Health, status: RunStatus): number {
  if (health === 'flagged') return 0
  if (health === 'watch') return 1
  return status === 'running' ? 2 : 3
}

/** What a search looks into, in lower case. */
export const searchText = (id: string, name: string, project: string, tags: readonly string[]): string =>
  [id, name, project, ...tags].join('\n').toLowerCase()
