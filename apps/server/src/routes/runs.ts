import { randomUUID } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  Type,
  HealthSchema,
  NewRunSchema,
  RunFieldsSchema,
  RunListSchema,
  RunPatchSchema,
  RunSchema,
  RunStatusSchema,
} from '@normwatch/protocol'
import type { Services } from '../services.ts'
import type { ListedRun } from '../storage/store.ts'
import { toRun } from '../storage/to-wire.ts'
import { closed, Cursor, noContent, replies, RunParams, whole } from './schemas.ts'

const ListQuery = Type.Object(
  {
    project: Type.Optional(Type.String({ maxLength: 128 })),
    status: Type.Optional(RunStatusSchema),
    health: Type.Optional(HealthSchema),
    q: Type.Optional(Type.String({ maxLength: 256 })),
    tag: Type.Optional(Type.String({ maxLength: 64 })),
    sort: Type.Optional(
      Type.Union(['attention', 'updated', 'created', 'name'].map((order) => Type.Literal(order))),
    ),
    limit: Type.Optional(whole(1, 200, 50)),
    cursor: Cursor,
    fields: Type.Optional(Type.Literal('config', { description: 'With each run its config.' })),
  },
  closed,
)

/** Runs as text: the store gives the same object for a run that has not changed since the list before. */
const texts = new WeakMap<ListedRun, string>()

function textOf(run: ListedRun): string {
  let text = texts.get(run)
  if (text === undefined) texts.set(run, (text = JSON.stringify(toRun(run))))
  return text
}

/** Replies with a text that is JSON already. */
const asJson = (reply: FastifyReply, text: string) =>
  reply.type('application/json; charset=utf-8').send(text) as never

export function runRoutes({ store, ingest }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/runs',
      { schema: { summary: 'List runs', querystring: ListQuery, response: replies(RunListSchema) } },
      async ({ query: { limit = 50, fields, ...query }, reach }, reply) => {
        const { runs, next_cursor } = await store.runs.list({
          ...query,
          projects: reach,
          limit,
          withConfig: fields === 'config',
        })
        const text = `{"runs":[${runs.map(textOf).join()}],"next_cursor":${JSON.stringify(next_cursor)}}`
        return asJson(reply, text)
      },
    )

    app.post(
      '/runs',
      { schema: { summary: 'Create a run', body: NewRunSchema, response: replies(RunSchema) } },
      async ({ body: { id = randomUUID(), ...fields } }, reply) => {
        const { run, created } = await ingest.put(id, fields)
        return reply.status(created ? 201 : 200).send(toRun(run))
      },
    )

    app.put(
      '/runs/:id',
      {
        schema: {
          summary: 'Create a run, or change the fields given',
          params: RunParams,
          body: RunFieldsSchema,
          response: replies(RunSchema),
        },
      },
      async ({ params, body }, reply) => {
        const { run, created } = await ingest.put(params.id, body)
        return reply.status(created ? 201 : 200).send(toRun(run))
      },
    )

    app.get(
      '/runs/:id',
      { schema: { summary: 'One run', params: RunParams, response: replies(RunSchema) } },
      async ({ params }) => toRun(await store.runs.get(params.id)),
    )

    app.patch(
      '/runs/:id',
      {
        schema: {
          summary: 'Change fields or the status, or drop the points after a step',
          params: RunParams,
          body: RunPatchSchema,
          response: replies(RunSchema),
        },
      },
      async ({ params, body }) => toRun(await ingest.patch(params.id, body)),
    )

    app.delete(
      '/runs/:id',
      { schema: { summary: 'Remove a run and all its data', params: RunParams, response: noContent } },
      async ({ params }, reply) => {
        await ingest.delete(params.id)
        return reply.status(204).send()
      },
    )
  }
}
