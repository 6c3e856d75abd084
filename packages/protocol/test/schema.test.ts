import { Type as TypeBox } from 'typebox'
import { describe, expect, it } from 'vitest'
import { TaggedUnion, Type } from '../src/schema.ts'

/** The same schema by both builders. */
const cases: Record<string, (type: typeof Type) => object> = {
  'plain values': (type) =>
    type.Object({ a: type.String({ maxLength: 3 }), b: type.Number(), c: type.Null() }),
  'optional fields': (type) =>
    type.Object({ a: type.Optional(type.Boolean()), b: type.Integer({ minimum: 0 }) }),
  'nothing required': (type) =>
    type.Object({ a: type.Optional(type.Unknown()) }, { additionalProperties: false }),
  'all fields made optional': (type) => type.Partial(type.Object({ a: type.String(), b: type.Number() })),
  'fields taken over from another object': (type) =>
    type.Object({ ...type.Partial(type.Object({ a: type.String() })).properties, b: type.Number() }),
  lists: (type) => type.Array(type.Literal('x'), { maxItems: 2 }),
  alternatives: (type) => type.Union([type.String(), type.Null()], { description: 'either' }),
  enumerations: (type) => type.Enum(['a', 'b']),
}

describe('the builders of schemas', () => {
  it.for(Object.entries(cases))('write %s as TypeBox does', ([, build]) => {
    expect(build(Type)).toEqual(JSON.parse(JSON.stringify(build(TypeBox))))
  })

  it('write alternatives that are all constants as an enumeration', () => {
    expect(Type.Union([Type.Literal('up'), Type.Literal('down')])).toEqual({ enum: ['up', 'down'] })
  })

  it('bound the names of a record', () => {
    expect(Type.Record(Type.String({ maxLength: 9 }), Type.Number())).toEqual({
      type: 'object',
      propertyNames: { type: 'string', maxLength: 9 },
      additionalProperties: { type: 'number' },
    })
  })

  it('tell the alternatives of a tagged union apart by one field', () => {
    const a = Type.Object({ mode: Type.Literal('a') })
    expect(TaggedUnion('mode', [a])).toEqual({
      type: 'object',
      required: ['mode'],
      discriminator: { propertyName: 'mode' },
      oneOf: [a],
    })
  })

  it('leave an optional field’s own schema as it was', () => {
    const text = Type.String()
    Type.Optional(text)
    expect(Type.Object({ text }).required).toEqual(['text'])
  })
})
