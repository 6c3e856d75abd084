import type { RunRow } from './run-row.ts'

/**
 * The columns of `runs` by the names that rows have here. The schema's own object is not asked for them: it would load
 * the whole of drizzle, which is three times as large in memory as the rest of the server.
 */
export const RUN_COLUMNS = {
  key: 'key',
  id: 'id',
  project: 'project',
  name: 'name',
  status: 'status',
  clip: 'clip',
  optimizer: 'optimizer',
  tags: 'tags',
  search: 'search',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  endedAt: 'ended_at',
  lastArrival: 'last_arrival',
  points: 'points',
  lastStep: 'last_step',
  nonfinite: 'nonfinite',
  over: 'over',
  judged: 'judged',
  latest: 'latest',
  health: 'health',
  conditions: 'conditions',
  window: 'window',
  rate: 'rate',
  meanCoefficient: 'mean_coefficient',
  currentStreak: 'current_streak',
  longestStreak: 'longest_streak',
  attention: 'attention',
  mergedThrough: 'merged_through',
} as const satisfies Record<keyof RunRow, string>

export const RUN_FIELDS = Object.keys(RUN_COLUMNS) as (keyof RunRow)[]

/** Every column of `runs`, named as in a row. */
export const SELECT_RUN = RUN_FIELDS.map((field) => `runs.${RUN_COLUMNS[field]} as ${field}`).join(', ')
