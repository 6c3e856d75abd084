import type { OpenAPIV3_1 } from 'openapi-types'
import type { Operation, Parameter } from './document.ts'

/** The example of an operation as a command. */
export function curl(method: string, path: string, operation: Operation): string {
  const address = `http://127.0.0.1:4280${exampleAddress(path, operation)}`
  const body = exampleBody(operation)
  const parts = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}${address.includes('?') ? `'${address}'` : address}`,
    ...(body === undefined
      ? []
      : [`-H 'content-type: application/json'`, `-d '${JSON.stringify(body, null, 2)}'`]),
  ]
  return parts.join(' \\\n  ')
}

/** The path with the examples of the operation's parameters in it and behind it. */
export function exampleAddress(path: string, { parameters = [] }: Operation): string {
  const query = new URLSearchParams()
  let filled = path
  for (const { name, in: place, example } of parameters as Parameter[]) {
    if (place === 'path') filled = filled.replace(`{${name}}`, String(example))
    else for (const value of [example ?? []].flat()) query.append(name, String(value))
  }
  return query.size === 0 ? filled : `${filled}?${query}`
}

export function exampleBody({ requestBody }: Operation): unknown {
  return (requestBody as OpenAPIV3_1.RequestBodyObject | undefined)?.content['application/json']?.example
}
