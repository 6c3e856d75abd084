import type { ErrorDetail } from '@normwatch/protocol'
import type { FastifyError } from 'fastify'
import type { TLiteral, TObject } from 'typebox'
import type { SchemaFault } from './compile-schema.ts'
import { Refusal, type RefusalCode } from '../errors.ts'

/** Faults named in one refusal. */
const MAX_DETAILS = 20

/** The refusal of a request that its route's schema does not allow; `code` is that of a wrong body. */
export function validationRefusal(
  { validation = [], validationContext }: FastifyError,
  code: RefusalCode,
): Refusal {
  if (validationContext === 'params') return new Refusal('run_id_invalid')
  const isQuery = validationContext === 'querystring'
  const details = faults(validation as SchemaFault[]).map(({ path, message }) => ({
    path: isQuery ? path.slice(1) : path,
    message,
  }))
  return new Refusal(isQuery ? 'query_invalid' : code, sentence(details), details)
}

/** Only the first fault per place: a schema with alternatives reports a place once for each. */
function faults(errors: readonly SchemaFault[]): ErrorDetail[] {
  const byPath = new Map<string, string>()
  for (const fault of errors) {
    const { missingProperty, additionalProperty, tag } = fault.params
    const name = missingProperty ?? additionalProperty ?? tag
    const path = name === undefined ? fault.instancePath : `${fault.instancePath}/${String(name)}`
    if (!byPath.has(path)) byPath.set(path, words(fault))
  }
  return [...byPath].slice(0, MAX_DETAILS).map(([path, message]) => ({ path, message }))
}

function words({ keyword, params, parentSchema, message = 'is wrong' }: SchemaFault): string {
  switch (keyword) {
    case 'additionalProperties':
      return 'is not a known field'
    case 'required':
      return 'is required'
    case 'const':
      return `must be ${JSON.stringify(params['allowedValue'])}`
    case 'enum':
      return mustBeOneOf(params['allowedValues'])
    case 'discriminator':
      return mustBeOneOf(tagsOf(parentSchema?.['oneOf'], params['tag']))
    case 'uniqueItems':
      return 'must not have duplicate items'
    default:
      return message.replace('NOT', 'not')
  }
}

const mustBeOneOf = (values: readonly unknown[]) => `must be one of ${values.join(', ')}`

/** The constants that tell the alternatives of a tagged union apart. */
function tagsOf(alternatives: readonly TObject[], tag: string): unknown[] {
  return alternatives.map(({ properties }) => (properties[tag] as TLiteral).const)
}

function sentence([first, ...others]: readonly ErrorDetail[]): string | undefined {
  if (first === undefined) return undefined
  const more = others.length > 0 ? ` (and ${others.length} more)` : ''
  return `${first.path === '' ? 'The body' : first.path} ${first.message}${more}.`
}
