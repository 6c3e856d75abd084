import { Type } from './schema.ts'

export * from './number-codec.ts'

export const WireNumberSchema = Type.Union(
  [Type.Number(), Type.Literal('NaN'), Type.Literal('Infinity'), Type.Literal('-Infinity')],
  { description: 'A number, or one of the strings "NaN", "Infinity", "-Infinity".' },
)
