import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  AuditActionSchema,
  AuditChainSchema,
  AuditListSchema,
  Type,
  type AuditEntry,
} from '@normwatch/protocol'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import type { AuditFilter, AuditStore, StoredAuditEntry } from '../storage/audit-store.ts'
import { verifyChain } from '../storage/audit/verify.ts'
import { iso } from '../storage/to-wire.ts'
import { closed, Cursor, replies, textReplies, whole } from './schemas.ts'

/** Entries that an export reads at a time. */
const ENTRIES_A_PIECE = 500

const Instant = Type.String({ format: 'date-time', description: 'Included.' })
const filters = {
  who: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'Id or name of the actor.' })),
  action: Type.Optional(AuditActionSchema),
  project: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
}
const ListQuery = Type.Object({ ...filters, limit: Type.Optional(whole(1, 200, 50)), cursor: Cursor }, closed)
const ExportQuery = Type.Object(filters, closed)

interface Asked extends Omit<AuditFilter, 'from' | 'to'> {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export function auditRoutes({ store: { audit } }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/audit',
      {
        schema: {
          summary: 'Who changed what, newest first',
          querystring: ListQuery,
          response: replies(AuditListSchema),
        },
      },
      async ({ query: { limit = 50, cursor, ...asked } }) => {
        const { entries, next_cursor } = await audit.list({ ...filterOf(asked), limit, cursor })
        return { entries: entries.map(shown), next_cursor }
      },
    )

    app.get(
      '/audit/export',
      {
        schema: {
          summary: 'The same as one JSON document a line, oldest first',
          querystring: ExportQuery,
          response: textReplies('application/x-ndjson'),
        },
      },
      async ({ query }, reply) =>
        reply
          .type('application/x-ndjson; charset=utf-8')
          .header('content-disposition', 'attachment; filename="audit.jsonl"')
          .send(Readable.from(lines(audit, filterOf(query)), { objectMode: false })),
    )

    app.get(
      '/audit/verify',
      {
        schema: {
          summary: 'Whether an entry was changed or is missing: computes every hash again',
          response: replies(AuditChainSchema),
        },
      },
      () => verifyChain(audit),
    )
  }
}

function filterOf({ from, to, ...filter }: Asked): AuditFilter {
  return { ...filter, from: instant('from', from), to: instant('to', to) }
}

function instant(path: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const at = Date.parse(text)
  if (!Number.isNaN(at)) return at
  const message = 'must be an instant that exists'
  throw new Refusal('query_invalid', `${path} ${message}.`, [{ path, message }])
}

const shown = (entry: StoredAuditEntry): AuditEntry => ({ ...entry, at: iso(entry.at) })

/** Each piece is read when the one before was taken. */
async function* lines(audit: AuditStore, filter: AuditFilter): AsyncGenerator<string> {
  for (let after = 0; ;) {
    const entries = await audit.read(after, ENTRIES_A_PIECE, filter)
    const last = entries.at(-1)
    if (last === undefined) return
    yield entries.map((entry) => `${JSON.stringify(shown(entry))}\n`).join('')
    after = last.number
  }
}
