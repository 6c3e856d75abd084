import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { defaultSettings } from '@normwatch/detector'
import {
  Type,
  PreviewReplySchema,
  SettingsOverridesSchema,
  SettingsReplySchema,
  type SettingsReply,
} from '@normwatch/protocol'
import { preview } from '../analysis/preview.ts'
import { checked, settingsInForce } from '../ingest/run-settings.ts'
import type { Services } from '../services.ts'
import { closed, Part, replies, RunParams } from './schemas.ts'

const ProjectParams = Type.Object({ project: Type.String({ minLength: 1, maxLength: 128 }) })

export function settingsRoutes({ store, ingest, now }: Services): FastifyPluginAsyncTypebox {
  const ofProject = async (project: string): Promise<SettingsReply> => {
    const overrides = await store.settings.get({ project })
    return { overrides, settings: checked(overrides, defaultSettings) }
  }
  const ofRun = async (id: string): Promise<SettingsReply> => {
    const overrides = await store.settings.get({ run: id })
    return { overrides, settings: (await settingsInForce(store, await store.runs.get(id))).settings }
  }

  return async (app) => {
    const read = { response: replies(SettingsReplySchema) }
    const write = { ...read, body: SettingsOverridesSchema }
    const config = { invalid: 'settings_invalid' } as const

    app.get(
      '/projects/:project/settings',
      { schema: { ...read, summary: "A project's detection settings", params: ProjectParams } },
      ({ params }) => ofProject(params.project),
    )

    app.put(
      '/projects/:project/settings',
      {
        config,
        schema: { ...write, summary: 'Set overrides for the runs of a project', params: ProjectParams },
      },
      async ({ params, body }) => {
        await ingest.changeProjectSettings(params.project, body)
        return ofProject(params.project)
      },
    )

    app.get(
      '/runs/:id/settings',
      { schema: { ...read, summary: "A run's detection settings", params: RunParams } },
      ({ params }) => ofRun(params.id),
    )

    app.put(
      '/runs/:id/settings',
      {
        config,
        schema: {
          ...write,
          summary: "Set overrides for one run, on top of its project's",
          params: RunParams,
        },
      },
      async ({ params, body }) => {
        await ingest.changeRunSettings(params.id, body)
        return ofRun(params.id)
      },
    )

    app.post(
      '/runs/:id/preview',
      {
        config,
        schema: {
          summary: 'Judge the record under other settings, storing nothing',
          params: RunParams,
          querystring: Type.Object({ part: Part }, closed),
          body: SettingsOverridesSchema,
          response: replies(PreviewReplySchema),
        },
      },
      ({ params, query, body }) => preview(store, params.id, body, now(), query.part),
    )
  }
}
