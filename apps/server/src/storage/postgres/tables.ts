import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { NOW } from './run-version.ts'

/**
 * The tables of one PostgreSQL database. They hold what SQLite's hold, with the same blobs (`docs/storage-format.md`);
 * every table that belongs to a run has the run's id first in its key, so that one run is one shard where rows are
 * distributed by it. Instants are milliseconds since 1970, JSON is text.
 */

/** Text in the order of its bytes, as SQLite orders it. */
const text = customType<{ data: string }>({ dataType: () => 'text collate "C"' })
const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
const whole = (name?: string) =>
  name === undefined ? bigint({ mode: 'number' }) : bigint(name, { mode: 'number' })

export const runs = pgTable(
  'runs',
  {
    id: text().primaryKey(),
    /** Orders runs made in the same millisecond. */
    key: whole().notNull().generatedAlwaysAsIdentity(),
    project: text().notNull(),
    name: text().notNull(),
    status: text().notNull(),
    clip: text().notNull(),
    optimizer: text(),
    tags: text().notNull(),
    search: text().notNull(),
    createdAt: whole('created_at').notNull(),
    updatedAt: whole('updated_at').notNull(),
    endedAt: whole('ended_at'),
    lastArrival: whole('last_arrival').notNull(),
    points: whole().notNull(),
    lastStep: whole('last_step'),
    nonfinite: whole().notNull(),
    over: whole().notNull(),
    judged: whole().notNull(),
    latest: text().notNull(),
    health: text().notNull(),
    conditions: text().notNull(),
    window: whole().notNull(),
    rate: doublePrecision(),
    meanCoefficient: doublePrecision('mean_coefficient'),
    currentStreak: whole('current_streak').notNull(),
    longestStreak: whole('longest_streak').notNull(),
    attention: integer().notNull(),
    mergedThrough: whole('merged_through').notNull(),
    parts: text(),
    /** The fence: increased by every unit. An append names the version its judgement is based on. */
    version: whole().notNull(),
    /** When `version` changed, by the database's clock. */
    changedAt: whole('changed_at')
      .notNull()
      .default(sql`${sql.raw(NOW)}`),
    /** The version of the newest unit that cut the record or judged it again. */
    restated: whole().notNull().default(0),
    /** All batches behind this version are in the tail. */
    followedSince: whole('followed_since').notNull().default(0),
  },
  // None on what every append changes: its row is then rewritten in place, without touching an index.
  (table) => [
    index('runs_by_attention').on(
      table.attention,
      table.createdAt.desc().nullsFirst(),
      table.key.desc().nullsFirst(),
    ),
    index('runs_by_creation').on(table.createdAt, table.key),
    index('runs_by_name').on(table.name, table.key.desc().nullsFirst()),
    index('runs_by_project').on(table.project),
    index('runs_running')
      .on(table.createdAt, table.key)
      .where(sql`status = 'running'`),
  ],
)

export const runDocuments = pgTable('run_documents', {
  run: text().primaryKey(),
  config: text().notNull(),
  notes: text().notNull(),
})

export const runEvents = pgTable(
  'run_events',
  {
    run: text().notNull(),
    step: whole().notNull(),
    label: text().notNull(),
    time: doublePrecision().notNull(),
    text: text(),
    /** The version of the run that it made. */
    version: whole().notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.run, table.step, table.label] }),
    index('run_events_by_version').on(table.run, table.version),
  ],
)

/** Runs that were removed lately, so that other servers can tell their readers. */
export const removedRuns = pgTable(
  'removed_runs',
  {
    run: text().notNull(),
    at: whole()
      .notNull()
      .default(sql`${sql.raw(NOW)}`),
    project: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.at] })],
)

export const metrics = pgTable(
  'metrics',
  { run: text().notNull(), number: integer().notNull(), name: text().notNull() },
  (table) => [primaryKey({ columns: [table.run, table.number] })],
)

export const leaves = pgTable(
  'leaves',
  {
    run: text().notNull(),
    start: whole().notNull(),
    block: integer().notNull(),
    cells: bytes().notNull(),
    columns: bytes().notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.start, table.block] })],
)

export const summaries = pgTable(
  'summaries',
  { run: text().notNull(), block: integer().notNull(), first: whole().notNull(), page: bytes().notNull() },
  (table) => [primaryKey({ columns: [table.run, table.block, table.first] })],
)

export const tail = pgTable(
  'tail',
  {
    run: text().notNull(),
    seq: whole().notNull(),
    arrivedAt: whole('arrived_at').notNull(),
    columns: bytes().notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.seq] })],
)

export const detections = pgTable('detections', {
  run: text().primaryKey(),
  state: text(),
  through: whole().notNull(),
  stale: integer().notNull(),
})

export const findings = pgTable(
  'findings',
  {
    run: text().notNull(),
    id: text().notNull(),
    key: whole().notNull().generatedAlwaysAsIdentity(),
    part: text(),
    kind: text().notNull(),
    severity: text().notNull(),
    state: text().notNull(),
    openedStep: whole('opened_step'),
    onset: whole(),
    openedAt: whole('opened_at').notNull(),
    closedStep: whole('closed_step'),
    closedAt: whole('closed_at'),
    closeReason: text('close_reason'),
    evidence: text().notNull(),
    diagnosis: text().notNull(),
    explanation: text(),
    /** The version of the run by which it changed last: it opened, closed or was explained. */
    version: whole().notNull().default(0),
  },
  (table) => [
    index('findings_unexplained')
      .on(table.key)
      .where(sql`explanation is null`),
    primaryKey({ columns: [table.run, table.id] }),
    index('findings_by_id').on(table.id),
    index('findings_by_opening').on(table.openedAt, table.key),
    index('findings_by_run').on(table.run, table.openedAt, table.key),
    index('findings_by_version').on(table.run, table.version),
    uniqueIndex('findings_open_once')
      .on(table.run, table.kind, sql`coalesce(part, '')`)
      .where(sql`state = 'open'`),
    index('findings_open')
      .on(table.openedAt, table.key)
      .where(sql`state = 'open'`),
  ],
)

export const runSettings = pgTable('run_settings', { run: text().primaryKey(), overrides: text().notNull() })
export const projectSettings = pgTable('project_settings', {
  project: text().primaryKey(),
  overrides: text().notNull(),
})

export const tokens = pgTable('tokens', {
  id: text().primaryKey(),
  hash: text().notNull().unique(),
  name: text().notNull(),
  scope: text().notNull(),
  project: text(),
  projects: text(),
  addresses: text(),
  created_at: whole().notNull(),
  created_by: text(),
  expires_at: whole(),
  revoked_at: whole(),
  last_used_at: whole(),
})

export const sessions = pgTable(
  'sessions',
  {
    hash: text().primaryKey(),
    token: text().notNull(),
    expires_at: whole().notNull(),
    opened_at: whole(),
    person: text(),
    id_token: text(),
  },
  (table) => [index('sessions_by_token').on(table.token), index('sessions_by_end').on(table.expires_at)],
)

export const usedStates = pgTable('used_states', {
  state: text().primaryKey(),
  expires_at: whole().notNull(),
})

export const channels = pgTable('channels', {
  id: text().primaryKey(),
  kind: text().notNull(),
  url: text().notNull(),
  name: text().notNull(),
  project: text(),
  kinds: text(),
  min_severity: text().notNull(),
  text: text(),
  tag: text(),
  remind_hours: doublePrecision(),
  enabled: boolean().notNull(),
  disabled_reason: text(),
  secret: text(),
  old_secret: text(),
  old_secret_until: whole(),
  failing_since: whole(),
  failing_error: text(),
  created_at: whole().notNull(),
  updated_at: whole().notNull(),
})

export const mutes = pgTable('mutes', {
  id: text().primaryKey(),
  run: text(),
  project: text(),
  kind: text(),
  until: whole().notNull(),
  created_at: whole().notNull(),
})

export const deliveries = pgTable(
  'deliveries',
  {
    key: whole().primaryKey().generatedAlwaysAsIdentity(),
    id: text().notNull().unique(),
    channel: text().notNull(),
    state: text().notNull(),
    hold: text(),
    due_at: whole().notNull(),
    leased_until: whole().notNull(),
    claim: text(),
    tries: integer().notNull(),
    event_count: integer().notNull(),
    created_at: whole().notNull(),
    last_try_at: whole(),
    status: integer(),
    error: text(),
    response: text(),
  },
  (table) => [
    index('deliveries_pending')
      .on(table.channel, table.due_at, table.leased_until)
      .where(sql`state = 'pending'`),
    index('deliveries_by_channel').on(table.channel, table.key),
    index('deliveries_by_creation').on(table.created_at),
  ],
)

export const deliveryEvents = pgTable(
  'delivery_events',
  {
    key: whole().primaryKey().generatedAlwaysAsIdentity(),
    delivery: whole().notNull(),
    channel: text().notNull(),
    finding: text().notNull(),
    run: text().notNull(),
    type: text().notNull(),
    at: whole().notNull(),
    finding_record: text().notNull(),
    run_record: text().notNull(),
  },
  (table) => [
    uniqueIndex('delivery_events_once').on(table.finding, table.channel, table.type),
    index('delivery_events_of').on(table.delivery, table.key),
    index('delivery_events_by_run').on(table.run, table.delivery),
  ],
)

/** Background work that one server at a time does: who has claimed it, and until when by the database's clock. */
export const chores = pgTable('chores', {
  name: text().primaryKey(),
  owner: text().notNull(),
  expires_at: timestamp({ withTimezone: true }).notNull(),
})

export const audit = pgTable(
  'audit',
  {
    number: whole().primaryKey(),
    at: whole().notNull(),
    actor_id: text(),
    actor: text().notNull(),
    action: text().notNull(),
    target_kind: text().notNull(),
    target: text(),
    project: text(),
    address: text(),
    detail: text(),
    hash: text().notNull(),
  },
  (table) => [
    index('audit_by_action').on(table.action, table.number),
    index('audit_by_project').on(table.project, table.number),
  ],
)

export const auditHead = pgTable('audit_head', {
  one: integer().primaryKey(),
  last: whole().notNull(),
  hash: text().notNull(),
  anchor: whole().notNull(),
  anchor_hash: text().notNull(),
})

export const projectLimits = pgTable('project_limits', {
  project: text().primaryKey(),
  max_runs: whole(),
  max_points: whole(),
})
