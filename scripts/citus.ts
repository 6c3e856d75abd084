/**
 * A Citus cluster for tests and benches: a coordinator and two workers on this machine. The extension must be installed;
 * none of it is part of this project.
 */
import pg from 'pg'
import { startPostgres, type Cluster, type Settings } from './postgres.ts'

const WORKERS = 2
/** Each database in which tables are distributed has a process of its own on every node. */
const MAX_DATABASES = '1000'

export interface CitusCluster extends Pick<Cluster, 'bin' | 'url' | 'stop'> {
  readonly workers: readonly Cluster[]
}

/** Starts a coordinator and its workers with these settings in addition to PostgreSQL's defaults. */
export async function startCitus(settings: Settings = {}): Promise<CitusCluster> {
  const own = { shared_preload_libraries: 'citus', max_worker_processes: MAX_DATABASES, ...settings }
  const nodes = await Promise.all(Array.from({ length: 1 + WORKERS }, () => startPostgres(own)))
  const [{ bin, url }, ...workers] = nodes as [Cluster, ...Cluster[]]
  return {
    bin,
    url,
    workers,
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  }
}

/** Makes a database of the coordinator, and one of the same name on each worker, one of the cluster. */
export async function addWorkers(coordinator: string, workers: readonly string[]): Promise<void> {
  await Promise.all([coordinator, ...workers].map((url) => query(url, 'create extension citus')))
  for (const url of workers) {
    const { host, port } = new pg.Client({ connectionString: url })
    await query(coordinator, 'select citus_add_node($1, $2)', [host, port])
  }
}

async function query(url: string, sql: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql, values)
  } finally {
    await client.end()
  }
}
