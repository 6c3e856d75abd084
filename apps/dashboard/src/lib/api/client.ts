import type {
  CapsReply,
  CompareReply,
  Finding,
  FindingList,
  LayersReply,
  Run,
  RunList,
  RunPatch,
  SeriesReply,
} from '@normwatch/protocol'
import { ApiFailure, failureOf } from '#lib/api/failure.ts'

/** A range of steps, both ends inclusive. */
export interface StepRange {
  readonly from: number
  readonly to: number
}

export interface SeriesRequest {
  readonly metrics: readonly string[]
  readonly range?: Partial<StepRange>
  /** Unix seconds, both inclusive, instead of a range of steps. */
  readonly times?: { readonly from: number; readonly to: number }
  readonly maxPoints: number
  readonly signal?: AbortSignal
}

/** The calls the pages make. Each rejects with `ApiFailure`, or with an `AbortError` when its signal fired. */
export type Api = ReturnType<typeof createApi>

/** `root` is the address the API's paths start from, such as `/api/v1`. */
export function createApi(root: string, fetch: typeof globalThis.fetch) {
  async function call<Reply>(path: string, init: RequestInit = {}): Promise<Reply> {
    const response = await fetch(root + path, init).catch((error: unknown) => {
      if (init.signal?.aborted) throw error
      throw new ApiFailure(0, 'no_answer', 'The server does not answer.')
    })
    if (!response.ok) throw await failureOf(response)
    return (response.status === 204 ? undefined : await response.json()) as Reply
  }
  const runPath = (id: string) => `/runs/${encodeURIComponent(id)}`

  return {
    listRuns: (query: URLSearchParams, signal?: AbortSignal) =>
      call<RunList>(`/runs?${query}`, signal ? { signal } : {}),
    projects: () => call<{ projects: string[] }>('/projects'),
    run: (id: string) => call<Run>(runPath(id)),
    patchRun: (id: string, patch: RunPatch) =>
      call<Run>(runPath(id), {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(patch),
      }),
    deleteRun: (id: string) => call<unknown>(runPath(id), { method: 'DELETE' }),
    /** The newest findings of a run in one state, up to a page of them. */
    findings: (run: string, state: Finding['state']) =>
      call<FindingList>(`/findings?${new URLSearchParams({ run, state, limit: '200' })}`),
    caps: (id: string, range: Partial<StepRange> = {}) =>
      call<CapsReply>(`${runPath(id)}/caps?${rangeQuery(range)}`),
    layers: (id: string) => call<LayersReply>(`${runPath(id)}/layers`),
    compare: (ids: readonly string[]) =>
      call<CompareReply>(`/compare?${new URLSearchParams(ids.map((id) => ['run', id]))}`),
    series(id: string, { metrics, range, times, maxPoints, signal }: SeriesRequest): Promise<SeriesReply> {
      const query = rangeQuery(times ?? range ?? {})
      if (times) query.set('x', 'time')
      for (const metric of metrics) query.append('metric', metric)
      query.set('max_points', String(maxPoints))
      return call(`${runPath(id)}/series?${query}`, signal ? { signal } : {})
    },
    /** The address of the run's readings as a file, for a link. */
    csvAddress: (id: string) => `${root}${runPath(id)}/points?format=csv`,
  }
}

function rangeQuery({ from, to }: Partial<StepRange>): URLSearchParams {
  const query = new URLSearchParams()
  if (from !== undefined) query.set('from', String(from))
  if (to !== undefined) query.set('to', String(to))
  return query
}
