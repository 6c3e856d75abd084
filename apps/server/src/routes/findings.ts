import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, FindingKindSchema, FindingListSchema, RunIdSchema } from '@normwatch/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import type { Caller } from '../access/identity/caller.ts'
import { reachOf } from '../access/may.ts'
import { ruleFor } from '../access/route-rules.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import type { FindingQuery, StoredFinding } from '../storage/store.ts'
import { toFinding } from '../storage/to-wire.ts'
import { closed, Cursor, replies, RunParams, whole } from './schemas.ts'

const DEFAULT_LIMIT = 100
/** Seconds that a request may wait for a finding. */
const MAX_WAIT = 60

const filters = {
  kind: Type.Optional(FindingKindSchema),
  state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('closed')])),
  limit: Type.Optional(whole(1, 1_000, DEFAULT_LIMIT)),
  cursor: Cursor,
}

const AllQuery = Type.Object(
  {
    run: Type.Optional(RunIdSchema),
    project: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    ...filters,
    since: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: 'Id of the newest finding that you know: only those entered after it.',
      }),
    ),
    wait: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_WAIT,
        description: 'Seconds to wait for a finding if there are none; after that the list is empty.',
      }),
    ),
  },
  closed,
)

export function findingRoutes(
  { store, hub }: Services,
  { authenticator }: Pick<Access, 'authenticator'>,
): FastifyPluginAsyncTypebox {
  const listed = async (query: Partial<FindingQuery>) => {
    const { findings, next_cursor } = await store.findings.list({ limit: DEFAULT_LIMIT, ...query })
    return { findings: findings.map(toFinding), next_cursor }
  }

  /** The list as soon as it is not empty, or when time is up or the client disconnects. */
  async function awaited(
    query: Partial<FindingQuery>,
    seconds: number,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const caller = request.caller as Caller
    let projects = request.reach
    const concerns = ({ run, kind }: StoredFinding) =>
      run === (query.run ?? run) && kind === (query.kind ?? kind)
    const wait = hub.waits.enter(caller.id, concerns)
    if (wait === undefined) throw new Refusal('too_many_waits', undefined, [], 1)
    reply.raw.once('close', () => wait.leave())
    const timer = setTimeout(() => wait.leave(), seconds * 1_000)
    try {
      for (;;) {
        const list = await listed({ ...query, projects })
        if (wait.over === 'closing') throw new Refusal('shutting_down')
        if (list.findings.length > 0 || wait.over === 'left') return list
        await wait.news()
        // The token may have been revoked meanwhile, or its grants changed.
        const now = await authenticator.recheck(caller)
        if (typeof now === 'string') throw new Refusal(now)
        projects = reachOf(now, ruleFor('GET', request.routeOptions.url ?? ''))
      }
    } finally {
      clearTimeout(timer)
      wait.leave()
    }
  }

  return async (app) => {
    app.get(
      '/findings',
      {
        schema: {
          summary: 'Findings of all runs, newest first; with wait, as soon as there is one',
          querystring: AllQuery,
          response: replies(FindingListSchema),
        },
      },
      (request, reply) => {
        const { wait = 0, ...asked } = request.query
        return wait === 0
          ? listed({ ...asked, projects: request.reach })
          : awaited(asked, wait, request, reply)
      },
    )

    app.get(
      '/runs/:id/findings',
      {
        schema: {
          summary: 'Findings of one run, newest first',
          params: RunParams,
          querystring: Type.Object(filters, closed),
          response: replies(FindingListSchema),
        },
      },
      async ({ params, query }) => {
        await store.runs.get(params.id)
        return listed({ ...query, run: params.id })
      },
    )
  }
}
