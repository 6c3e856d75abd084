import { NO_ALERTS, type AlertOptions } from '../alert-store.ts'
import { openPoints, recordFindings } from '../run/points.ts'
import { openRuns } from '../run/runs.ts'
import type { Store } from '../store.ts'
import { openChannelStore, openMuteStore } from './alerts/channels.ts'
import { openDeliveryStore } from './alerts/deliveries.ts'
import { openOutbox } from './alerts/outbox.ts'
import type { AuditStore } from '../audit-store.ts'
import type { TokenStore } from '../token-store.ts'
import { openChanges } from './changes.ts'
import { openChores } from './chores.ts'
import { isCitus } from './citus.ts'
import { DatabaseClock } from './clock.ts'
import { openAudit } from './audit.ts'
import { Database } from './database.ts'
import { CannotOpenDatabase, asUnavailable } from './errors.ts'
import { openFindings } from './findings.ts'
import { openLimits } from './limits.ts'
import { migrate } from './migrate.ts'
import { refuseUnfinishedMove } from './move/unfinished.ts'
import { openRunLists } from './run-lists.ts'
import { HeavyUnits } from '../run/heavy-units.ts'
import { PostgresUnits } from './run-units.ts'
import { onePlace, Shards } from './places.ts'
import { UnitGroups } from './unit-groups.ts'
import { openEvents, openSettings, openTokens } from './small-stores.ts'

const OLDEST_VERSION = 15

/**
 * Opens the store that keeps everything in one PostgreSQL database, whose tables are made or migrated. `alerts` decides
 * which deliveries findings cause; without it, none. Several servers may use one database. Rejects with
 * `CannotOpenDatabase`.
 */
export async function openPostgresStore({
  url,
  alerts = NO_ALERTS,
}: {
  readonly url: string
  readonly alerts?: AlertOptions
}): Promise<Store> {
  const db = new Database(url)
  try {
    await refuseOtherDatabases(db)
    await refuseUnfinishedMove(db)
    const migrations = await migrate(db)
    return assemble(db, await DatabaseClock.start(db), migrations, await isCitus(db), alerts)
  } catch (error) {
    await db.close()
    throw cannotOpen(error)
  }
}

/** The tokens and the audit log of a database, also while a server uses it. Rejects with `CannotOpenDatabase`. */
export async function openTokensOf(
  url: string,
): Promise<{ tokens: TokenStore; audit: AuditStore; close: () => Promise<void> }> {
  const db = new Database(url)
  try {
    await refuseOtherDatabases(db)
    await refuseUnfinishedMove(db)
    await migrate(db)
  } catch (error) {
    await db.close()
    throw cannotOpen(error)
  }
  return { tokens: openTokens(db), audit: openAudit(db), close: () => db.close() }
}

function cannotOpen(error: unknown): CannotOpenDatabase {
  if (error instanceof CannotOpenDatabase) return error
  const cause = asUnavailable(error)
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CannotOpenDatabase(`The database cannot be used: ${reason}`, { cause: error })
}

/** Throws `CannotOpenDatabase` where the database is too old, or of another encoding. */
export async function refuseOtherDatabases(db: Database): Promise<void> {
  const server = await db.get<{ version: number; encoding: string }>(
    `select current_setting('server_version_num')::int / 10000 as version, current_setting('server_encoding') as encoding`,
  )
  if (server === undefined || server.version < OLDEST_VERSION) {
    throw new CannotOpenDatabase(
      `The database is PostgreSQL ${server?.version ?? ''}; Normwatch needs ${OLDEST_VERSION} or newer.`,
    )
  }
  if (server.encoding !== 'UTF8') {
    throw new CannotOpenDatabase(`The database's encoding is ${server.encoding}; Normwatch needs UTF8.`)
  }
}

function assemble(
  db: Database,
  clock: DatabaseClock,
  migrations: number,
  areRunsDistributed: boolean,
  alerts: AlertOptions,
): Store {
  const listeners = new Set<() => void>()
  const tellQueued = () => {
    for (const listener of listeners) listener()
  }
  const outbox = openOutbox({ now: clock.now, ...alerts })
  const chores = openChores(db)
  const units = new PostgresUnits({
    db,
    groups: new UnitGroups(db, areRunsDistributed ? new Shards(db) : onePlace(db)),
    tell: (on, recorded) => outbox.tell(on, recorded),
    onTold: tellQueued,
  })
  const heavy = new HeavyUnits(units)
  const runs = { ...openRuns(heavy), ...openRunLists(db, units) }
  let closing: Promise<void> | undefined
  const closeAll = async (): Promise<void> => {
    await units.close()
    await clock.stop()
    // without it, others wait for the end of the claims
    await chores.abandonAll().catch(() => undefined)
    await db.close()
  }
  return {
    runs,
    points: openPoints(heavy),
    findings: { ...openFindings(db), record: recordFindings(heavy) },
    events: openEvents(db),
    settings: openSettings(db),
    channels: openChannelStore(db),
    mutes: openMuteStore(db, tellQueued),
    deliveries: openDeliveryStore({
      db,
      outbox,
      tellQueued,
      onQueued: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
      runOf: (id) => runs.get(id),
    }),
    tokens: openTokens(db),
    chores,
    changes: openChanges(db),
    now: clock.now,
    audit: openAudit(db),
    limits: openLimits(db),
    migrations,
    check: async () => {
      if (units.damage !== undefined) throw units.damage
      // writes a row that never matters, as every change would
      await db.run('update normwatch_migrations set created_at = created_at where id = 1')
    },
    close: () => (closing ??= closeAll()),
  }
}
