import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A chart of the norm: for each point its step, and the largest value that it represents. */
export type Drawn = readonly (readonly [step: number, value: number])[]

/** Another tracker for the same work. */
export interface Peer {
  readonly name: string
  /** The command of its server, in the foreground. Absent if it has no server without an account. */
  readonly serve?: (bin: string, port: number, folder: string) => readonly string[]
  /** The request that its own page makes for the chart of grad_norm. */
  readonly chart?: (url: string, folder: string) => Promise<Drawn>
}

interface TrackioLog {
  readonly step: number
  readonly grad_norm: number
}

export const PEERS: readonly Peer[] = [
  {
    name: 'trackio',
    serve: (bin, port) => [join(bin, 'python'), join(import.meta.dirname, 'serve_trackio.py'), `${port}`],
    async chart(url) {
      const runs = await ask<{ name: string; id: string }[]>(`${url}/api/get_runs_for_project`, {
        project: 'bench',
      })
      const run = { run: runs[0]?.name, run_id: runs[0]?.id }
      const body = { project: 'bench', runs: [run], scalar_only: true }
      const [reply] = await ask<{ logs: TrackioLog[] }[]>(`${url}/api/get_logs_batch`, body)
      return reply?.logs.map(({ step, grad_norm }) => [step, grad_norm] as const) ?? []
    },
  },
  {
    name: 'tensorboard',
    serve: (bin, port, folder) => [
      ...[join(bin, 'tensorboard'), '--logdir', folder],
      ...['--host', '127.0.0.1', '--port', `${port}`],
    ],
    async chart(url) {
      const body = new URLSearchParams({
        requests: JSON.stringify([{ plugin: 'scalars', tag: 'grad_norm' }]),
      })
      const path = 'experiment/defaultExperimentId/data/plugin/timeseries/timeSeries'
      type Reply = { runToSeries?: Record<string, { step: number; value: number }[]> }[]
      const [reply] = await ask<Reply>(`${url}/${path}`, body)
      return (reply?.runToSeries?.['run'] ?? []).map(({ step, value }) => [step, value] as const)
    },
  },
  {
    name: 'mlflow',
    serve: (bin, port, folder) => [
      ...[join(bin, 'python'), '-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', `${port}`],
      ...['--backend-store-uri', `sqlite:///${folder}/mlflow.db`],
      ...['--artifacts-destination', join(folder, 'artifacts')],
    ],
    async chart(url, folder) {
      const query = `run_ids=${runId(folder)}&metric_key=grad_norm&max_results=320`
      type Reply = { metrics: { step?: string | number; value: number }[] }
      const path = 'ajax-api/2.0/mlflow/metrics/get-history-bulk-interval'
      const { metrics } = await ask<Reply>(`${url}/${path}?${query}`)
      return metrics.map(({ step = 0, value }) => [Number(step), value] as const)
    },
  },
  {
    name: 'aim',
    serve: (bin, port, folder) => [
      ...[join(bin, 'aim'), 'up', '--repo', folder, '-y'],
      ...['--host', '127.0.0.1', '--port', `${port}`],
    ],
    async chart(url, folder) {
      const path = `api/runs/${runId(folder)}/metric/get-batch/`
      type Reply = { iters: number[]; values: number[] }[]
      const [reply] = await ask<Reply>(`${url}/${path}`, [{ name: 'grad_norm', context: {} }])
      return reply?.iters.map((step, i) => [step, reply.values[i] as number] as const) ?? []
    },
  },
  { name: 'wandb' },
]

/** For Normwatch: the request of the run page. Each point has the largest value of its bucket. */
export async function ourChart(url: string, run: string): Promise<Drawn> {
  type Reply = { series: Record<string, { step: number[]; max: number[] }> }
  const path = `api/v1/runs/${run}/series?metric=grad_norm&max_points=1000`
  const norm = (await ask<Reply>(`${url}/${path}`)).series['grad_norm']
  return norm?.step.map((step, i) => [step, norm.max[i] as number] as const) ?? []
}

/** A GET, or a POST if there is a body. Some peers wrap their answer in `data`. */
async function ask<Reply>(url: string, body?: object): Promise<Reply> {
  const post = body instanceof URLSearchParams ? { body } : { body: JSON.stringify(body), headers: JSON_BODY }
  const reply = await fetch(url, body === undefined ? {} : { method: 'POST', ...post })
  if (!reply.ok) throw new Error(`${url} answers ${reply.status}`)
  const content = (await reply.json()) as Reply & { data?: Reply }
  return Array.isArray(content) ? content : (content.data ?? content)
}

const JSON_BODY = { 'content-type': 'application/json' }

function runId(folder: string): string {
  return readFileSync(join(folder, 'run_id'), 'utf8')
}
