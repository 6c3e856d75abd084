import type { ErrorDetail } from '@normwatch/protocol'
import type { FastifyError, FastifySchemaValidationError } from 'fastify'
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
  const details = faults(validation).map(({ path, message }) => ({
    path: isQuery ? path.slice(1) : path,
    message,
  }))
  return new Refusal(isQuery ? 'query_invalid' : code, sentence(details), details)
}

/** One fault a place, the first one named: a schema with alternatives names a place once for each. */
function faults(errors: readonly FastifySchemaValidationError[]): ErrorDetail[] {
  const byPath = new Map<string, string>()
  for (const { keyword, instancePath, params, message } of errors) {
    if (keyword === 'additionalProperties') continue
    const missing = keyword === 'required' ? (params['requiredProperties'] as string[]) : undefined
    for (const path of missing?.map((name) => `${instancePath}/${name}`) ?? [instancePath]) {
      if (!byPath.has(path)) byPath.set(path, words(keyword, params, message ?? 'is wrong'))
    }
  }
  return [...byPath].slice(0, MAX_DETAILS).map(([path, message]) => ({ path, message }))
}

function words(keyword: string, params: Record<string, unknown>, message: string): string {
  if (keyword === 'boolean') return 'is no field that is known here'
  if (keyword === 'required') return 'is required'
  if (keyword === 'const') return `must be ${JSON.stringify(params['allowedValue'])}`
  return message
}

function sentence([first, ...others]: readonly ErrorDetail[]): string | undefined {
  if (first === undefined) return undefined
  const more = others.length > 0 ? ` (and ${others.length} more)` : ''
  return `${first.path === '' ? 'The body' : first.path} ${first.message}${more}.`
}
