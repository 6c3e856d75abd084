import type { Statements } from './database.ts'
import { CannotOpenDatabase } from './errors.ts'
import { TABLES_OF_A_RUN } from './run-lists.ts'
import { makeShardFunctions } from './store-in-shards.ts'

interface DistributedFunction {
  readonly signature: string
  readonly definition: string
  readonly isPlannedAnew: boolean
  readonly isDistributed: boolean
}

/** Whether the database has the extension. */
export async function isCitus(on: Statements): Promise<boolean> {
  return (await on.get(`select from pg_extension where extname = 'citus'`)) !== undefined
}

/**
 * Whether the database is the coordinator of a Citus cluster. If so, this transaction may change the definitions of
 * distributed tables from now on. Throws `CannotOpenDatabase` where the database is a worker.
 */
export async function preparesCitus(on: Statements): Promise<boolean> {
  if (!(await isCitus(on))) return false
  const node = await on.get<{ groupid: number }>('select groupid from pg_dist_local_group')
  if (node !== undefined && node.groupid !== 0) {
    throw new CannotOpenDatabase('The database is a worker of a Citus cluster: name the coordinator.')
  }
  await on.run(`set local citus.multi_shard_modify_mode to 'sequential'`)
  return true
}

/** Appends to one shard share a transaction: with Citus's own default of 32 two workers store a quarter less single steps. */
const SHARDS_A_WORKER = 4
/** Fewer could not be spread over workers that come later. */
const LEAST_SHARDS = 8

/** As many shards as the database says; where it says nothing, a few for each worker that is there. */
async function shardCount(on: Statements): Promise<number> {
  const said = await on.get<{ count: number; source: string }>(
    `select setting::int as count, source from pg_settings where name = 'citus.shard_count'`,
  )
  if (said !== undefined && said.source !== 'default') return said.count
  const workers = await on.get<{ count: number }>(
    `select count(*)::int as count from pg_dist_node where noderole = 'primary' and shouldhaveshards`,
  )
  return Math.max(LEAST_SHARDS, SHARDS_A_WORKER * (workers?.count ?? 0))
}

/**
 * Puts the tables of runs into shards by run, with the rows that they hold, and lets the functions with an argument
 * `p_run` work where that run's rows are, so that each is one round trip. What is distributed already stays as it is. All other tables stay on the
 * coordinator: they are small, or queues that are claimed over all runs.
 */
export async function distributeRuns(on: Statements): Promise<void> {
  const tables = [['runs', 'id', 'none'], ...TABLES_OF_A_RUN.map((table) => [table, 'run', 'runs'])] as const
  for (const [table, column, beside] of tables) {
    const isThere = await on.get('select from pg_dist_partition where logicalrelid = ?::regclass', table)
    if (isThere !== undefined) continue
    // tables beside others have as many shards as those
    const shards = beside === 'none' ? await shardCount(on) : null
    await on.run(
      'select create_distributed_table(?::regclass, ?, colocate_with => ?, shard_count => ?)',
      table,
      column,
      beside,
      shards,
    )
    await on.run('select truncate_local_data_after_distributing_table(?::regclass)', table)
  }
  const functions = await on.all<DistributedFunction>(
    `select p.oid::regprocedure::text as signature, pg_get_functiondef(p.oid) as definition,
       coalesce('plan_cache_mode=force_custom_plan' = any(p.proconfig), false) as "isPlannedAnew",
       d.distribution_argument_index is not null as "isDistributed"
     from pg_proc p left join pg_dist_object d on d.classid = 'pg_proc'::regclass and d.objid = p.oid
     where pronamespace = current_schema()::regnamespace and 'p_run' = any(proargnames)
       and prokind = 'f'`,
  )
  for (const { signature, definition, isPlannedAnew, isDistributed } of functions) {
    // Citus takes no volatile function in an update, and every function here is one statement of a client
    const stable = definition.replaceAll('clock_timestamp()', 'statement_timestamp()')
    if (stable !== definition) await on.run(stable)
    // a statement on a shard of the same node is planned once by Citus then; a generic plan it plans twice, and keeps each time
    if (!isPlannedAnew) await on.run(`alter function ${signature} set plan_cache_mode to force_custom_plan`)
    if (isDistributed) continue
    await on.run(
      `select create_distributed_function(?::regprocedure, 'p_run', colocate_with => 'runs')`,
      signature,
    )
  }
  await makeShardFunctions(on)
}
