import pg from 'pg'
import { storable, type Statements } from './database.ts'
import { TABLES_OF_A_RUN } from './run-lists.ts'
import type { UnitValues } from './unit-values.ts'

/** PostgreSQL's number of the lock mode. */
const SHARE_LOCK = 5

/** Names of functions that store units in one shard. */
const OF_A_SHARD = '^store_group_[0-9]+$'

interface ShardOfRuns {
  readonly shard: string
  /** The shards of the other tables that lie with it, by table. */
  readonly tables: Readonly<Record<string, string>>
}

/**
 * Makes a function for each shard, and the procedure that calls them: `store_group` with the shard's own tables. PostgreSQL
 * keeps the plans of its statements, while Citus plans each statement on a distributed table anew. It gives null, and changes
 * nothing, where its shard is not on this node, or no longer. Those of shards that were split stay, as servers may still
 * call them.
 */
export async function makeShardFunctions(on: Statements): Promise<void> {
  const store = (await on.get<{ body: string; parameters: string; result: string }>(
    `select prosrc as body, pg_get_function_arguments(oid) as parameters, pg_get_function_result(oid) as result
     from pg_proc where oid = 'store_group'::regproc`,
  )) as { body: string; parameters: string; result: string }
  const shards = await on.all<ShardOfRuns>(
    `select r.shardid::text as shard, jsonb_object_agg(c.relname, s.shardid::text) as tables
     from pg_dist_shard r join pg_dist_shard s using (shardminvalue) join pg_class c on c.oid = s.logicalrelid
     where r.logicalrelid = 'runs'::regclass and s.logicalrelid = any(?::regclass[])
     group by r.shardid order by r.shardid`,
    ['runs', ...TABLES_OF_A_RUN],
  )
  const routines = await on.all<{ name: string; body: string; isEverywhere: boolean }>(
    `select proname as name, prosrc as body, d.objid is not null as "isEverywhere"
     from pg_proc p left join pg_dist_object d on d.classid = 'pg_proc'::regclass and d.objid = p.oid
     where pronamespace = current_schema()::regnamespace and (proname ~ ? or proname = ?)`,
    OF_A_SHARD,
    STORE_IN_SHARDS,
  )
  const known = new Map(routines.map((one) => [one.name, one]))
  const make = async (kind: string, name: string, rest: string, body: string, distribution: string) => {
    if (known.get(name)?.body !== body) {
      await on.run(`create or replace ${kind} ${name}${rest} language plpgsql as $in_shard$${body}$in_shard$`)
    }
    if (known.get(name)?.isEverywhere !== true) {
      await on.run(
        `select create_distributed_function(to_regproc(?)::oid::regprocedure${distribution})`,
        name,
      )
    }
  }
  for (const { shard, tables } of shards) {
    const body = bodyInShard(store.body, shard, tables)
    await make('function', `store_group_${shard}`, `(${store.parameters}) returns ${store.result}`, body, '')
  }
  const body = bodyOverShards(shards.map(({ shard }) => shard))
  await make('procedure', STORE_IN_SHARDS, PROCEDURE_PARAMETERS, body, ", 'p_run', colocate_with => 'runs'")
}

/** The text of a function as that of one shard. */
function bodyInShard(body: string, shard: string, tables: ShardOfRuns['tables']): string {
  const names = Object.keys(tables).join('|')
  const ofShard = body.replaceAll(
    new RegExp(String.raw`\b(from|into|update) (${names})\b`, 'g'),
    (_, verb: string, table: string) => `${verb} ${table}_${tables[table]} as ${table}`,
  )
  return `
begin
  -- as every statement of Citus that writes: the shard is not moved or split until the end of this transaction
  perform lock_shard_metadata(${SHARE_LOCK}, array[${shard}]);
  if not exists (select from pg_dist_placement join pg_dist_local_group using (groupid) where shardid = ${shard}) then
    return null;
  end if;
${ofShard.trimEnd()};
end
`
}

/**
 * Stores units of several shards of one node, those of each shard in a transaction of its own. Of each unit it gives whether it
 * was stored; null: its shard is elsewhere, or the units of its shard failed. A list per shard says how many units,
 * numbers and bytes are of it; the others are those of `store_group`, one shard behind the other, but for the count of units.
 */
const STORE_IN_SHARDS = 'store_in_shards'
const PROCEDURE_PARAMETERS = `(
  p_run text, p_shards bigint[], p_units integer[], p_lengths integer[], p_bytes integer[],
  p_numbers bigint[], p_rates double precision[], p_texts text[], p_blobs bytea, inout p_stored boolean[]
)`
const bodyOverShards = (shards: readonly string[]) => `
declare
  v_shard bigint;
  v_stored boolean[];
  -- units, numbers and bytes of the shards before
  u integer := 0;
  n integer := 0;
  b integer := 0;
begin
  p_stored := '{}';
  for s in 1 .. cardinality(p_shards) loop
    -- the end of the last transaction makes durable what those before it wrote, too; nobody is told before
    perform set_config('lock_timeout', '100ms', true),
      case when s < cardinality(p_shards) then set_config('synchronous_commit', 'off', true)
      else pg_logical_emit_message(true, 'normwatch', '')::text end;
    v_shard := p_shards[s];
    v_stored := null;
    begin
      ${callsOf(shards)}
    exception when others then
      v_stored := null;
    end;
    p_stored := p_stored || coalesce(v_stored, array_fill(null::boolean, array[p_units[s]]));
    u := u + p_units[s];
    n := n + p_lengths[s];
    b := b + p_bytes[s];
    commit;
  end loop;
end
`

/** Calls the function of `v_shard`: a statement per function, as only those have plans that are kept. */
function callsOf(shards: readonly string[]): string {
  const [first = '0'] = shards
  if (shards.length > 1) {
    const middle = Math.ceil(shards.length / 2)
    const [less, rest] = [shards.slice(0, middle), shards.slice(middle)]
    return `if v_shard < ${rest[0]} then ${callsOf(less)} else ${callsOf(rest)} end if;`
  }
  return `if v_shard = ${first} then
  v_stored := store_group_${first}(p_units[s] || p_numbers[n + 1 : n + p_lengths[s]],
    p_rates[u * 2 + 1 : (u + p_units[s]) * 2], p_texts[u * 6 + 1 : (u + p_units[s]) * 6],
    substring(p_blobs from b + 1 for p_bytes[s]));
end if;`
}

interface UnitOfShard {
  readonly shard: number
  readonly values: UnitValues
}

/**
 * The call that stores these units, in the order of their shards: with its values, as the coordinator passes a call with
 * parameters on to nobody.
 */
export function callOfShards(units: readonly UnitOfShard[]): string {
  const [{ values: first }] = units as [UnitOfShard]
  const shards: { shard: number; units: number; length: number; bytes: number }[] = []
  for (const { shard, values } of units) {
    let last = shards.at(-1)
    if (last?.shard !== shard) shards.push((last = { shard, units: 0, length: 0, bytes: 0 }))
    last.units++
    last.length += values.numbers.length
    last.bytes += values.bytes
  }
  const blobs = Buffer.concat(units.flatMap(({ values }) => values.blobs))
  const values = [
    text(first.run),
    list(shards.map(({ shard }) => shard)),
    list(shards.map((shard) => shard.units)),
    list(shards.map(({ length }) => length)),
    list(shards.map(({ bytes }) => bytes)),
    list(units.flatMap(({ values }) => values.numbers)),
    list(units.flatMap(({ values }) => values.rates)),
    `array[${units.flatMap(({ values }) => values.texts.map(text)).join()}]`,
    // escaped as a text: some servers are set to take \ for an escape everywhere
    ` E'\\\\x${blobs.toString('hex')}'`,
    'null',
  ]
  return `call ${STORE_IN_SHARDS}(${values.join()})`
}

const text = (value: string) => `${pg.escapeLiteral(storable(value) as string)}::text`
const list = (numbers: readonly number[]) => `'{${numbers.join()}}'`
