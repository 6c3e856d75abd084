import type { TSchema, TUnion, Type as TypeBox } from 'typebox'

/** The builders that the wire needs. */
type Builders = Pick<
  typeof TypeBox,
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Partial'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
>
type Options = Readonly<Record<string, unknown>>
type Schema = Record<string, unknown>

/** Schemas that an object need not have. A JSON Schema says so in its parent's `required`, so the mark lies beside it. */
const optional = new WeakSet<object>()

/**
 * TypeBox's builders of JSON Schema, with TypeBox's types and without its runtime: the library has 683 files
 * that take 20 MB of a server's memory.
 */
export const Type = {
  Array: (items: Schema, options?: Options) => ({ type: 'array', items, ...options }),
  Boolean: (options?: Options) => ({ type: 'boolean', ...options }),
  Enum: (values: readonly unknown[], options?: Options) => ({ enum: [...values], ...options }),
  Integer: (options?: Options) => ({ type: 'integer', ...options }),
  Literal: (value: unknown, options?: Options) => ({ type: typeof value, const: value, ...options }),
  Null: (options?: Options) => ({ type: 'null', ...options }),
  Number: (options?: Options) => ({ type: 'number', ...options }),
  Object: (properties: Record<string, Schema>, options?: Options) => {
    const required = Object.keys(properties).filter((name) => !optional.has(properties[name] as Schema))
    return { type: 'object', ...(required.length > 0 && { required }), properties, ...options }
  },
  Optional: markOptional,
  Partial: ({ properties }: { properties: Record<string, Schema> }, options?: Options) => ({
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => [name, markOptional(schema)]),
    ),
    ...options,
  }),
  Record: (names: Schema, values: Schema, options?: Options) => ({
    type: 'object',
    propertyNames: names,
    additionalProperties: values,
    ...options,
  }),
  String: (options?: Options) => ({ type: 'string', ...options }),
  // Of constants alone it is an enumeration, whose refusal names them all.
  Union: (anyOf: readonly Schema[], options?: Options) =>
    anyOf.every((schema) => 'const' in schema)
      ? { enum: anyOf.map((schema) => schema['const']), ...options }
      : { anyOf, ...options },
  Unknown: (options?: Options) => ({ ...options }),
} as unknown as Builders

/** A union of objects told apart by the constant in their field `tag`: a refusal speaks of the one that it names. */
export const TaggedUnion = ((tag: string, oneOf: readonly Schema[]) => ({
  type: 'object',
  required: [tag],
  discriminator: { propertyName: tag },
  oneOf,
})) as unknown as <const Schemas extends TSchema[]>(tag: string, schemas: [...Schemas]) => TUnion<Schemas>

function markOptional(schema: Schema): Schema {
  const copy = { ...schema }
  optional.add(copy)
  return copy
}
