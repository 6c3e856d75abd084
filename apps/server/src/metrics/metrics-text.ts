import { decodeNumber, type Part } from '@normwatch/protocol'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Services } from '../services.ts'
import { othersTurns } from '../in-slices.ts'
import { runningRuns } from '../storage/running-runs.ts'
import type { ListedRun } from '../storage/store.ts'
import { addDeliveries } from './add-deliveries.ts'
import type { RequestCounts } from './request-counts.ts'

/** Running runs with figures of their own, the newest ones. */
const MAX_RUNS = 1_000
/** A few milliseconds of work. */
const RUNS_A_PAGE = 100

/** The current figures in the Prometheus text format. */
export async function metricsText(
  services: Services,
  counts: RequestCounts,
): Promise<{ type: string; text: string }> {
  const registry = new Registry()
  addService(registry, services, counts)
  await addDeliveries(registry, services)
  const { runs } = services.store
  let running = 0
  for await (const page of runningRuns(runs)) running += page.length
  gauge(registry, 'normwatch_runs_running', 'Runs whose status is running.').set(running)
  const addRuns = runGauges(registry)
  let cursor: string | null = null
  for (let left = MAX_RUNS; left > 0; left -= RUNS_A_PAGE) {
    const newest = { status: 'running', sort: 'created', limit: RUNS_A_PAGE } as const
    const page = await runs.list({ ...newest, cursor: cursor ?? undefined })
    addRuns(page.runs)
    cursor = page.next_cursor
    if (cursor === null) break
    await othersTurns()
  }
  return { type: registry.contentType, text: await registry.metrics() }
}

function addService(registry: Registry, { hub, ingest }: Services, requests: RequestCounts): void {
  const labelNames = ['method', 'route', 'status']
  const answered = new Counter({
    name: 'normwatch_requests_total',
    help: 'HTTP requests answered.',
    labelNames,
    registers: [registry],
  })
  const seconds = new Counter({
    name: 'normwatch_request_seconds_total',
    help: 'Seconds spent on HTTP requests.',
    labelNames,
    registers: [registry],
  })
  for (const { method, route, status, count, seconds: spent } of requests) {
    answered.inc({ method, route, status }, count)
    seconds.inc({ method, route, status }, spent)
  }
  const points = new Counter({
    name: 'normwatch_points_total',
    help: 'Points accepted.',
    registers: [registry],
  })
  points.inc(ingest.pointsAccepted)
  gauge(registry, 'normwatch_ingest_waiting', 'Batches accepted and not yet durable.').set(ingest.waiting)
  gauge(registry, 'normwatch_active_runs', 'Runs whose detector state is in memory.').set(ingest.activeRuns)
  gauge(registry, 'normwatch_live_readers', 'Open live sockets.').set(hub.readers)
  const memory = process.memoryUsage()
  gauge(registry, 'process_resident_memory_bytes', 'Resident memory.').set(memory.rss)
  gauge(registry, 'process_heap_bytes', 'JavaScript heap in use.').set(memory.heapUsed)
  gauge(registry, 'process_cpu_seconds', 'Processor time used since the start.').set(cpuSeconds())
  gauge(registry, 'process_uptime_seconds', 'Seconds since the start.').set(process.uptime())
}

/** What adds the figures of runs. */
function runGauges(registry: Registry): (runs: readonly ListedRun[]) => void {
  // a run's own figures have no `part` label
  const labelNames = ['run', 'project', 'part']
  const norm = gauge(registry, 'normwatch_run_grad_norm', 'Newest pre-clip gradient norm.', labelNames)
  const rate = gauge(registry, 'normwatch_run_clip_rate', 'Share of clipped steps in the window.', labelNames)
  const flagged = gauge(registry, 'normwatch_run_flagged', '1 when the run is flagged, else 0.', labelNames)
  const set = (labels: Record<string, string>, { latest, clipping, health }: Omit<Part, 'name'>) => {
    const newest = decodeNumber(latest['grad_norm'])
    if (newest !== undefined) norm.set(labels, newest)
    if (clipping.rate !== null) rate.set(labels, clipping.rate)
    flagged.set(labels, health === 'flagged' ? 1 : 0)
  }
  return (runs) => {
    for (const { id: run, project, parts, ...own } of runs) {
      set({ run, project }, own)
      for (const { name, ...part } of parts) set({ run, project, part: name }, part)
    }
  }
}

function gauge(registry: Registry, name: string, help: string, labelNames: string[] = []): Gauge {
  return new Gauge({ name, help, labelNames, registers: [registry] })
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
