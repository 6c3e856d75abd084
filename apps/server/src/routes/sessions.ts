import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { SessionListSchema, Type, type ListedSession } from '@normwatch/protocol'
import type { Access } from '../access/access.ts'
import type { Caller } from '../access/identity/caller.ts'
import { reachOf } from '../access/may.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import { SESSION_ID_DIGITS, type StoredSession } from '../storage/session-store.ts'
import { iso, isoOrNull } from '../storage/to-wire.ts'
import { noContent, replies } from './schemas.ts'

const PREFIX = 'ses_'
/** The id of a session by the hash of its cookie. */
export const sessionId = (hash: string): string => PREFIX + hash.slice(0, SESSION_ID_DIGITS)

const SessionParams = Type.Object({ session: Type.String({ minLength: 1, maxLength: 64 }) })

/** Browsers that are signed in: an admin of everything sees and ends all of them, everybody else their own. */
export function sessionListRoutes({ store, now }: Services, { sockets }: Access): FastifyPluginAsyncTypebox {
  const seesAll = (caller: Caller) => reachOf(caller, { for: 'admin', project: 'all' }) === 'all'
  return async (app) => {
    app.get(
      '/sessions',
      {
        schema: {
          summary: "Browsers that are signed in; all of them for an admin, else the caller's own",
          response: replies(SessionListSchema),
        },
      },
      async ({ caller }) => {
        const who = caller as Caller
        const sessions = await store.tokens.sessions(now(), seesAll(who) ? undefined : who.id)
        const names = new Map((await store.tokens.list()).map(({ id, name }) => [id, name]))
        return { sessions: sessions.map((session) => shown(session, names, who)) }
      },
    )

    app.delete(
      '/sessions/:session',
      {
        schema: {
          summary: 'Sign a browser out; its sockets close at once',
          params: SessionParams,
          response: noContent,
        },
      },
      async ({ params, caller }, reply) => {
        const who = caller as Caller
        const digits = params.session.startsWith(PREFIX) ? params.session.slice(PREFIX.length) : ''
        const session = await store.tokens.sessionById(digits)
        if (session === undefined || !(seesAll(who) || session.token === who.id)) {
          throw new Refusal('session_not_found')
        }
        await store.tokens.closeSession(session.hash)
        await sockets.recheck()
        return reply.status(204).send()
      },
    )
  }
}

function shown(
  { hash, token, opened_at, expires_at, person }: StoredSession,
  names: ReadonlyMap<string, string>,
  { credentialHash }: Caller,
): ListedSession {
  return {
    id: sessionId(hash),
    kind: person === null ? 'token' : 'person',
    opened_by: token,
    // The operator's token is not stored.
    name: person?.name ?? names.get(token) ?? 'operator',
    email: person?.email ?? null,
    opened_at: isoOrNull(opened_at),
    expires_at: iso(expires_at),
    is_current: hash === credentialHash,
  }
}
