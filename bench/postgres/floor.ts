import pg from 'pg'

/** One unit: the fence and the blob in one function call, as an append is one of `store_units`. */
const SCHEMA = `
  create table floor_runs (id text primary key, version bigint not null) with (fillfactor = 60);
  create table floor_tail (run text, seq bigint, columns bytea, primary key (run, seq));
  alter table floor_tail alter column columns set storage external;
  create function floor_unit(p_run text, p_version bigint, p_columns bytea) returns boolean language plpgsql as $$
  begin
    update floor_runs set version = p_version + 1 where id = p_run and version = p_version;
    if not found then return false; end if;
    insert into floor_tail values (p_run, p_version + 1, p_columns);
    return true;
  end $$`

/** What the bare driver does without the service: `clients` connections that store blobs of `bytes` bytes, each durable. */
export async function floor(url: string, clients: number, units: number, bytes: number): Promise<number> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(SCHEMA)
  const blob = Buffer.alloc(bytes)
  for (let i = 0; i < bytes; i++) blob[i] = Math.random() * 256
  const connections = await Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query('insert into floor_runs values ($1, 0)', [`run-${i}`])
      return client
    }),
  )
  const begin = performance.now()
  await Promise.all(
    connections.map(async (client, i) => {
      for (let version = 0; version < units / clients; version++) {
        await client.query('select floor_unit($1, $2, $3)', [`run-${i}`, version, blob])
      }
    }),
  )
  const seconds = (performance.now() - begin) / 1000
  for (const client of connections) await client.end()
  await admin.query('drop function floor_unit; drop table floor_runs, floor_tail')
  await admin.end()
  return Math.round(units / seconds)
}
