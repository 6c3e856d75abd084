import { sql } from 'drizzle-orm'
import {
  blob,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core'

/**
 * The tables of one data file. `docs/storage-format.md` draws what the blobs hold. Instants are milliseconds since
 * 1970, JSON is text. Rows of points name their run by `key`, which is never used again after a run is deleted.
 */

/** One row a run: everything that lists show and every append changes, and no more. */
export const runs = sqliteTable(
  'runs',
  {
    key: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    project: text().notNull(),
    name: text().notNull(),
    status: text({ enum: ['running', 'finished', 'failed', 'preempted'] }).notNull(),
    clip: text().notNull(),
    optimizer: text(),
    tags: text().notNull(),
    /** Id, name, project and tags in lower case, one a line. */
    search: text().notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    endedAt: integer('ended_at'),
    lastArrival: integer('last_arrival').notNull(),
    /** Distinct steps. */
    points: integer().notNull(),
    lastStep: integer('last_step'),
    /** Readings of grad_norm and loss that are not finite. */
    nonfinite: integer().notNull(),
    /** Steps that exceeded the cap, of `judged` steps that could. */
    over: integer().notNull(),
    judged: integer().notNull(),
    /** `{name: [step, reading]}` */
    latest: text().notNull(),
    health: text({ enum: ['ok', 'watch', 'flagged', 'unknown'] }).notNull(),
    conditions: text().notNull(),
    window: integer().notNull(),
    rate: real(),
    meanCoefficient: real('mean_coefficient'),
    currentStreak: integer('current_streak').notNull(),
    longestStreak: integer('longest_streak').notNull(),
    /** 0 flagged, 1 watch, 2 running, 3 the rest: the order of the runs page. */
    attention: integer().notNull(),
    /** Tail rows up to this `seq` are in the leaves. */
    mergedThrough: integer('merged_through').notNull(),
    /** Parts with their totals and judgements, as JSON; null: none. */
    parts: text(),
    /** One higher with every unit that changes the run; the `seq` of a batch is the version it made. */
    version: integer().notNull().default(0),
  },
  (table) => [
    index('runs_by_attention').on(table.attention, sql`created_at desc`, sql`key desc`),
    index('runs_by_creation').on(table.createdAt, table.key),
    index('runs_by_update').on(table.updatedAt, table.key),
    index('runs_by_name').on(table.name, sql`key desc`),
    index('runs_by_project').on(table.project),
    index('runs_running')
      .on(table.createdAt, table.key)
      .where(sql`status = 'running'`),
  ],
)

/** What a run's page shows and no append changes; apart, because it may be large. */
export const runDocuments = sqliteTable('run_documents', {
  run: integer().primaryKey(),
  config: text().notNull(),
  notes: text().notNull(),
})

/** What happened in a run at a step, one a step and label. `time` is in Unix seconds. */
export const runEvents = sqliteTable(
  'run_events',
  {
    run: integer().notNull(),
    step: integer().notNull(),
    label: text().notNull(),
    time: real().notNull(),
    text: text(),
  },
  (table) => [primaryKey({ columns: [table.run, table.step, table.label] })],
)

/** Names of a run's metrics, numbered from 0 in order of first appearance. */
export const metrics = sqliteTable(
  'metrics',
  { run: integer().notNull(), number: integer().notNull(), name: text().notNull() },
  (table) => [primaryKey({ columns: [table.run, table.number] })],
)

/** Points: the columns of 16 metrics of one leaf a row, and summaries of its eighths; block 0 holds the steps and times too. */
export const leaves = sqliteTable(
  'leaves',
  {
    rowid: integer().primaryKey(),
    run: integer().notNull(),
    start: integer().notNull(),
    block: integer().notNull(),
    /** Before `columns`, so that it is read without them. */
    cells: blob({ mode: 'buffer' }).notNull(),
    columns: blob({ mode: 'buffer' }).notNull(),
  },
  (table) => [uniqueIndex('leaves_by_start').on(table.run, table.start, table.block)],
)

/** Summaries of up to 32 neighbouring leaves a row, for the same blocks of metrics; block 0 is the leaves' directory. */
export const summaries = sqliteTable(
  'summaries',
  {
    rowid: integer().primaryKey(),
    run: integer().notNull(),
    block: integer().notNull(),
    /** No leaf of this page starts below; pages of a run cover all steps without a gap. */
    first: integer().notNull(),
    page: blob({ mode: 'buffer' }).notNull(),
  },
  (table) => [uniqueIndex('summaries_by_first').on(table.run, table.block, table.first)],
)

/** What the leaves from `start` up to `next` of a long run hold of a gradient norm or a loss, some 2^18 readings a row; a copy. */
export const stretches = sqliteTable(
  'stretches',
  {
    rowid: integer().primaryKey(),
    run: integer().notNull(),
    metric: integer().notNull(),
    start: integer().notNull(),
    next: integer().notNull(),
    /** Before `norms`, so that it is read without them. */
    figures: blob({ mode: 'buffer' }).notNull(),
    /** Null for a loss. */
    norms: blob({ mode: 'buffer' }),
  },
  (table) => [
    uniqueIndex('stretches_by_start').on(table.run, table.metric, table.start),
    index('stretches_by_next').on(table.run, table.next),
  ],
)

/** Batches as they arrived, until the leaves and the saved state of the detector hold them. */
export const tail = sqliteTable(
  'tail',
  {
    run: integer().notNull(),
    seq: integer().notNull(),
    arrivedAt: integer('arrived_at').notNull(),
    columns: blob({ mode: 'buffer' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.seq] })],
)

/** The detector's state of each run as of its version `through`. */
export const detections = sqliteTable('detections', {
  run: integer().primaryKey(),
  state: text(),
  through: integer().notNull(),
  /** 1 after a truncation or an edit of the cap or optimizer, until the record is judged again. */
  stale: integer().notNull(),
})

export const findings = sqliteTable(
  'findings',
  {
    key: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    run: integer().notNull(),
    /** The part of the run it speaks of; null: the run itself. */
    part: text(),
    kind: text().notNull(),
    severity: text({ enum: ['info', 'warning', 'critical'] }).notNull(),
    state: text({ enum: ['open', 'closed'] }).notNull(),
    openedStep: integer('opened_step'),
    /** The step at which it began, found backwards from its opening; null: unknown. */
    onset: integer(),
    openedAt: integer('opened_at').notNull(),
    closedStep: integer('closed_step'),
    closedAt: integer('closed_at'),
    closeReason: text('close_reason'),
    evidence: text().notNull(),
    diagnosis: text().notNull(),
    /** What the record says around its beginning, as JSON; null: not looked at yet. */
    explanation: text(),
  },
  (table) => [
    index('findings_unexplained')
      .on(table.run, table.key)
      .where(sql`explanation is null`),
    index('findings_open')
      .on(table.openedAt, table.key)
      .where(sql`state = 'open'`),
    index('findings_open_of_run')
      .on(table.run, table.openedAt, table.key)
      .where(sql`state = 'open'`),
    index('findings_by_opening').on(table.openedAt, table.key),
    index('findings_by_run').on(table.run, table.openedAt, table.key),
    uniqueIndex('findings_open_once')
      .on(table.run, table.kind, sql`coalesce(part, '')`)
      .where(sql`state = 'open'`),
  ],
)

/** Deleted runs whose points are still being removed. */
export const deletedRuns = sqliteTable('deleted_runs', { key: integer().primaryKey() })

/** Runs that were cut off: their rows of `leaves` from `start` on are no points any more, and are still being removed. */
export const droppedLeaves = sqliteTable('dropped_leaves', {
  run: integer().primaryKey(),
  start: integer().notNull(),
})

/** API tokens. Only the SHA-256 of a secret is kept, in hex. */
export const tokens = sqliteTable('tokens', {
  id: text().primaryKey(),
  hash: text().notNull().unique(),
  name: text().notNull(),
  scope: text({ enum: ['write', 'read', 'admin'] }).notNull(),
  project: text(),
  /** Names and patterns of projects, as JSON; null: what `project` says. */
  projects: text(),
  addresses: text(),
  createdAt: integer('created_at').notNull(),
  createdBy: text('created_by'),
  expiresAt: integer('expires_at'),
  revokedAt: integer('revoked_at'),
  lastUsedAt: integer('last_used_at'),
})

/** Browser sessions. `token` is the id of who opened it: a token, which may be the operator's, or a person. */
export const sessions = sqliteTable(
  'sessions',
  {
    hash: text().primaryKey(),
    token: text().notNull(),
    expiresAt: integer('expires_at').notNull(),
    openedAt: integer('opened_at'),
    person: text(),
    idToken: text('id_token'),
  },
  (table) => [index('sessions_by_token').on(table.token), index('sessions_by_end').on(table.expiresAt)],
)

/** States of completed sign-ins at a provider: each opens one session. */
export const usedStates = sqliteTable('used_states', {
  state: text().primaryKey(),
  expiresAt: integer('expires_at').notNull(),
})

/** Channels. The columns are named as in `StoredChannel`. */
export const channels = sqliteTable('channels', {
  id: text().primaryKey(),
  kind: text().notNull(),
  url: text().notNull(),
  name: text().notNull(),
  project: text(),
  kinds: text(),
  minSeverity: text('min_severity').notNull(),
  text: text(),
  tag: text(),
  remindHours: real('remind_hours'),
  enabled: integer().notNull(),
  disabledReason: text('disabled_reason'),
  secret: text(),
  oldSecret: text('old_secret'),
  oldSecretUntil: integer('old_secret_until'),
  failingSince: integer('failing_since'),
  failingError: text('failing_error'),
  createdAt: integer('created_at').notNull(),
  updatedAt: integer('updated_at').notNull(),
})

export const mutes = sqliteTable('mutes', {
  id: text().primaryKey(),
  run: text(),
  project: text(),
  kind: text(),
  until: integer().notNull(),
  createdAt: integer('created_at').notNull(),
})

/** One message to one channel a row: the outbox, and the log of what was sent. */
export const deliveries = sqliteTable(
  'deliveries',
  {
    key: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    channel: text().notNull(),
    state: text({ enum: ['pending', 'sent', 'failed'] }).notNull(),
    /** The mute or the delivery that it waits for. */
    hold: text(),
    dueAt: integer('due_at').notNull(),
    /** Until then a worker is trying to send it. */
    leasedUntil: integer('leased_until').notNull(),
    /** The last claim: only its try may be recorded. */
    claim: text(),
    tries: integer().notNull(),
    eventCount: integer('event_count').notNull(),
    createdAt: integer('created_at').notNull(),
    lastTryAt: integer('last_try_at'),
    status: integer(),
    error: text(),
    response: text(),
  },
  (table) => [
    index('deliveries_pending')
      .on(table.channel, table.dueAt, table.leasedUntil)
      .where(sql`state = 'pending'`),
    index('deliveries_by_channel').on(table.channel, table.key),
    index('deliveries_by_creation').on(table.createdAt),
  ],
)

/** The events of a message, with the finding and the run as they were then. */
export const deliveryEvents = sqliteTable(
  'delivery_events',
  {
    key: integer().primaryKey({ autoIncrement: true }),
    delivery: integer().notNull(),
    channel: text().notNull(),
    finding: text().notNull(),
    run: text().notNull(),
    type: text({ enum: ['finding.opened', 'finding.closed', 'finding.reminder'] }).notNull(),
    at: integer().notNull(),
    findingRecord: text('finding_record').notNull(),
    runRecord: text('run_record').notNull(),
  },
  (table) => [
    uniqueIndex('delivery_events_once').on(table.finding, table.channel, table.type),
    index('delivery_events_of').on(table.delivery, table.key),
    index('delivery_events_by_run').on(table.run, table.delivery),
  ],
)

/** Overrides of the detector's settings, as JSON. */
export const projectSettings = sqliteTable('project_settings', {
  project: text().primaryKey(),
  overrides: text().notNull(),
})

/** The same for one run, over those of its project. */
export const runSettings = sqliteTable('run_settings', {
  run: integer().primaryKey(),
  overrides: text().notNull(),
})

/** The audit log: one entry a row, each chained to the one before by its hash. The columns are named as in `StoredAuditEntry`. */
export const audit = sqliteTable(
  'audit',
  {
    number: integer().primaryKey(),
    at: integer().notNull(),
    actorId: text('actor_id'),
    actor: text().notNull(),
    action: text().notNull(),
    targetKind: text('target_kind').notNull(),
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

/** One row: the ends of the audit log's chain. Entries up to `anchor` have expired. */
export const auditHead = sqliteTable('audit_head', {
  one: integer().primaryKey(),
  last: integer().notNull(),
  hash: text().notNull(),
  anchor: integer().notNull(),
  anchorHash: text('anchor_hash').notNull(),
})

/** How much projects may hold; null: as much as they like. */
export const projectLimits = sqliteTable('project_limits', {
  project: text().primaryKey(),
  maxRuns: integer('max_runs'),
  maxPoints: integer('max_points'),
})
