import type { TUnknown, TUnsafe } from 'typebox'
import { Type, ErrorReplySchema, MAX_STEP, PartNameSchema, RunIdSchema } from '@normwatch/protocol'

/** Parts of route schemas that several routes share. */
export const RunParams = Type.Object({ id: RunIdSchema })
/** Id of a channel, a delivery or a mute; an unknown one of any form is 404. */
export const AlertId = Type.Object({ id: Type.String() })
export const Step = whole(0, MAX_STEP)
export const MetricName = Type.String({ minLength: 1, maxLength: 136 })
/** One of a run's parts; without it the run itself. */
export const Part = Type.Optional(PartNameSchema)
export const Cursor = Type.Optional(Type.String({ minLength: 1, maxLength: 1024 }))
export const closed = { additionalProperties: false }

export function whole(minimum: number, maximum: number, defaultValue?: number) {
  const more = defaultValue === undefined ? {} : { default: defaultValue }
  return Type.Integer({ minimum, maximum, ...more })
}

/** The replies of a route: on success `schema`, else a refusal. */
export const replies = <T>(schema: T) => ({ '2xx': schema, '4xx': ErrorReplySchema, '5xx': ErrorReplySchema })

/** The replies of a route without a body on success. */
export const noContent = {
  204: Type.Null({ description: 'Done; the reply has no body.' }) as unknown as TUnsafe<undefined>,
  '4xx': ErrorReplySchema,
  '5xx': ErrorReplySchema,
}

/** The replies of a route that sends text of the given media types. */
export const textReplies = (...types: readonly string[]) =>
  ({
    200: {
      description: 'Done.',
      content: Object.fromEntries(types.map((type) => [type, { schema: Type.String() }])),
    },
    '4xx': ErrorReplySchema,
    '5xx': ErrorReplySchema,
  }) as unknown as { 200: TUnknown }
