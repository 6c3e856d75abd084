import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isAmong, MuteListSchema, MuteSchema, NewMuteSchema, type Projects } from '@normwatch/protocol'
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../access/identity/caller.ts'
import { refuseProject, refuseWhole } from '../access/may.ts'
import { newMute } from '../alerts/channels.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import type { StoredMute } from '../storage/alert-store.ts'
import { RunNotFound } from '../storage/store.ts'
import { toMute } from '../storage/to-wire.ts'
import { AlertId, noContent, replies } from './schemas.ts'

export function muteRoutes({ store: { mutes, runs }, now }: Services): FastifyPluginAsyncTypebox {
  /** The project whose findings it holds; `null`: those of all, or of a run that is gone. */
  async function projectOf({ run, project }: StoredMute): Promise<string | null> {
    if (run === null) return project
    try {
      return (await runs.get(run)).project
    } catch (error) {
      if (error instanceof RunNotFound) return project
      throw error
    }
  }

  async function seenBy(reach: Projects): Promise<StoredMute[]> {
    const all = await mutes.list(now())
    if (reach === 'all') return all
    const seen: StoredMute[] = []
    for (const mute of all) {
      const project = await projectOf(mute)
      if (project === null ? mute.run === null : isAmong(reach, project)) seen.push(mute)
    }
    return seen
  }

  async function refuseOthers({ caller, reach }: FastifyRequest, mute: StoredMute): Promise<void> {
    if (reach === 'all') return
    const project = await projectOf(mute)
    if (project === null) refuseWhole(caller as Caller, reach)
    else refuseProject(caller as Caller, reach, project)
  }

  return async (app) => {
    app.get(
      '/mutes',
      { schema: { summary: 'Active mutes, the first to end first', response: replies(MuteListSchema) } },
      async ({ reach }) => ({ mutes: (await seenBy(reach)).map(toMute) }),
    )

    app.post(
      '/mutes',
      {
        config: { invalid: 'mute_invalid' },
        schema: {
          summary: 'Hold messages of a run, a project or a kind until a time',
          body: NewMuteSchema,
          response: replies(MuteSchema),
        },
      },
      async (request, reply) => {
        const mute = newMute(request.body, now())
        if (mute.run === null && mute.project === null && mute.kind === null) {
          throw new Refusal('mute_invalid', 'A mute names a run, a project or a kind.')
        }
        if (mute.until <= now()) {
          throw new Refusal('mute_invalid', 'A mute ends in the future.', [
            { path: '/until', message: 'is over' },
          ])
        }
        await refuseOthers(request, mute)
        return reply.status(201).send(toMute(await mutes.create(mute)))
      },
    )

    app.delete(
      '/mutes/:id',
      { schema: { summary: 'End a mute: what it held is sent', params: AlertId, response: noContent } },
      async (request, reply) => {
        const { id } = request.params
        const mute = (await mutes.list(now())).find((one) => one.id === id)
        if (mute !== undefined) await refuseOthers(request, mute)
        await mutes.delete(id, now())
        return reply.status(204).send()
      },
    )
  }
}
