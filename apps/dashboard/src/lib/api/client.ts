import type {
  CapsReply,
  CompareReply,
  Finding,
  FindingList,
  LayersReply,
  NewRunEvent,
  NewToken,
  PreviewReply,
  Run,
  RunEventList,
  RunList,
  RunPatch,
  SeriesReply,
  Session,
  SettingsOverrides,
  SettingsReply,
  SignedOut,
  Token,
  TokenList,
  TokenWithSecret,
} from '@normwatch/protocol'
import { createCaller, withBody } from '#lib/api/caller.ts'

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
  const { call, text } = createCaller(root, fetch)
  const runPath = (id: string) => `/runs/${encodeURIComponent(id)}`

  return {
    /** The runs come without their configs, which no list shows. */
    listRuns: (query: URLSearchParams, signal?: AbortSignal) =>
      call<Omit<RunList, 'runs'> & { runs: Run[] }>(`/runs?${query}`, signal ? { signal } : {}),
    projects: () => call<{ projects: string[] }>('/projects'),
    run: (id: string) => call<Run>(runPath(id)),
    patchRun: (id: string, patch: RunPatch) => call<Run>(runPath(id), withBody('PATCH', patch)),
    deleteRun: (id: string) => call<unknown>(runPath(id), { method: 'DELETE' }),
    /** The newest findings of a run in one state, up to a page of them. */
    findings: (run: string, state: Finding['state']) =>
      call<FindingList>(`/findings?${new URLSearchParams({ run, state, limit: '200' })}`),
    /** Up to 200 runs of a project with their configs, the newest first, from a page's cursor on. */
    projectRuns: (project: string, cursor: string | null) =>
      call<Omit<RunList, 'runs'> & { runs: Run[] }>(
        `/runs?${new URLSearchParams({
          project,
          sort: 'created',
          fields: 'config',
          limit: '200',
          ...(cursor !== null && { cursor }),
        })}`,
      ),
    /** A page of the findings of a project's runs, the newest first. */
    projectFindings: (project: string, cursor: string | null) => {
      const query = new URLSearchParams({ project, limit: '200' })
      if (cursor !== null) query.set('cursor', cursor)
      return call<FindingList>(`/findings?${query}`)
    },
    /** What was noted at the steps of a run, in step order. */
    events: (run: string) => call<RunEventList>(`${runPath(run)}/events`),
    noteEvent: (run: string, event: NewRunEvent) =>
      call<unknown>(`${runPath(run)}/events`, withBody('POST', { events: [event] })),
    /** Without `tried`, a curve of caps over the range seen; `part` is `null` for the norms of the run itself. */
    caps(
      id: string,
      part: string | null,
      range: Partial<StepRange> = {},
      tried: readonly number[] = [],
    ): Promise<CapsReply> {
      const query = rangeQuery(range)
      if (part !== null) query.set('part', part)
      for (const cap of tried) query.append('cap', String(cap))
      return call(`${runPath(id)}/caps?${query}`)
    },
    runSettings: (id: string) => call<SettingsReply>(`${runPath(id)}/settings`),
    putRunSettings: (id: string, overrides: SettingsOverrides) =>
      call<SettingsReply>(`${runPath(id)}/settings`, withBody('PUT', overrides)),
    projectSettings: (project: string) =>
      call<SettingsReply>(`/projects/${encodeURIComponent(project)}/settings`),
    putProjectSettings: (project: string, overrides: SettingsOverrides) =>
      call<SettingsReply>(`/projects/${encodeURIComponent(project)}/settings`, withBody('PUT', overrides)),
    preview: (id: string, overrides: SettingsOverrides) =>
      call<PreviewReply>(`${runPath(id)}/preview`, withBody('POST', overrides)),
    /** The readings of a run in step order, one JSON object a line; of all metrics where none is named. */
    record(id: string, range: Partial<StepRange> = {}, metrics: readonly string[] = []): Promise<string> {
      const query = rangeQuery(range)
      for (const metric of metrics) query.append('metric', metric)
      query.set('format', 'ndjson')
      return text(`${runPath(id)}/points?${query}`)
    },
    layers: (id: string) => call<LayersReply>(`${runPath(id)}/layers`),
    compare(ids: readonly string[], part: string | null): Promise<CompareReply> {
      const query = new URLSearchParams(ids.map((id) => ['run', id]))
      if (part !== null) query.set('part', part)
      return call(`/compare?${query}`)
    },
    series(id: string, { metrics, range, times, maxPoints, signal }: SeriesRequest): Promise<SeriesReply> {
      const query = rangeQuery(times ?? range ?? {})
      if (times) query.set('x', 'time')
      for (const metric of metrics) query.append('metric', metric)
      query.set('max_points', String(maxPoints))
      return call(`${runPath(id)}/series?${query}`, signal ? { signal } : {})
    },
    /** Whether a token is required, and who this browser is signed in as. */
    session: () => call<Session>('/session'),
    signIn: (token: string) => call<Session>('/session', withBody('POST', { token })),
    signOut: () => call<SignedOut | undefined>('/session', { method: 'DELETE' }),
    tokens: () => call<TokenList>('/tokens'),
    createToken: (token: NewToken) => call<TokenWithSecret>('/tokens', withBody('POST', token)),
    revokeToken: (id: string) => call<Token>(`/tokens/${encodeURIComponent(id)}`, { method: 'DELETE' }),
    /** The address of the run's readings as a file, for a link. */
    /** Every metric around a step, with what moved there, as JSON; around the newest where no step is given. */
    snapshotAddress: (id: string, around?: number) =>
      `${root}${runPath(id)}/snapshot${around === undefined ? '' : `?around=${around}`}`,
    csvAddress: (id: string) => `${root}${runPath(id)}/points?format=csv`,
  }
}

function rangeQuery({ from, to }: Partial<StepRange>): URLSearchParams {
  const query = new URLSearchParams()
  if (from !== undefined) query.set('from', String(from))
  if (to !== undefined) query.set('to', String(to))
  return query
}
