import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { exampleAddress, exampleBody } from '../src/reference/curl.ts'
import { operationsOf, type Document } from '../src/reference/document.ts'
import { groupOf } from '../src/reference/groups.ts'
import { bearer, makeToken } from './access-fixtures.ts'
import { startReceiver } from './alerts-receiver.ts'
import { startApp, type Answer, type TestApp } from './start-app.ts'

type Described = ReturnType<typeof operationsOf>[number]

async function documentOf({ call }: TestApp): Promise<Document> {
  return (await call('GET', '/openapi.json')).body as Document
}

/** What makes comes before what asks, and what removes is last; a run comes before all that is said of it, and goes after it. */
function byNeed(a: Described, b: Described): number {
  const rank = ({ method, path }: Described) => {
    if (method === 'DELETE') return path === '/api/v1/runs/{id}' ? 10 : 9
    if (path.includes('/{id}/re') || path.includes('/{id}/rotate')) return 4
    if (method === 'PUT' && path === '/api/v1/runs/{id}') return 0
    return method === 'GET' ? 3 : path.includes('{') ? 2 : 1
  }
  return rank(a) - rank(b)
}

describe('the description of the API', () => {
  it('is OpenAPI 3.1 that validates', async () => {
    const document = await documentOf(await startApp())
    expect(document.openapi).toBe('3.1.0')
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true })
    const broken = { ...document, paths: { '/x': { get: { responses: 7 } } } }
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false })
  })

  it('puts every route under its resource, with a name of its own', async () => {
    const operations = operationsOf(await documentOf(await startApp()))
    expect(operations.length).toBeGreaterThan(40)
    expect(operations.filter(({ path }) => groupOf(path) === undefined)).toEqual([])
    expect(operations.filter(({ operation }) => operation.summary === undefined)).toEqual([])
    const names = operations.map(({ operation }) => operation.operationId)
    expect(new Set(names).size).toBe(names.length)
  })

  it('has an example of every request, and each of them works', async () => {
    const app = await startApp()
    const { url } = await startReceiver()
    const operations = operationsOf(await documentOf(app))
    const { secret } = await makeToken(app, { scope: 'admin' })
    const asAdmin = (method: string, path: string, payload?: string): Promise<Answer> =>
      app.inject({
        method: method as 'GET',
        url: path,
        headers: {
          ...bearer(secret),
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(payload === undefined ? {} : { payload }),
      })
    await asAdmin('PUT', '/api/v1/runs/second', '{}')
    const stand: Record<string, string> = { 'https://hooks.example.com/normwatch': url, SECRET: secret }
    const filled = (text: string) =>
      Object.entries(stand).reduce((made, [name, value]) => made.replace(name, value), text)
    const refused: unknown[] = []
    for (const { method, path, operation } of operations.sort(byNeed)) {
      if (path === '/api/v1/sessions/{session}') {
        stand['SESSION'] = (await asAdmin('GET', '/api/v1/sessions')).body.sessions[0].id
      }
      if (path.endsWith('/redeliver')) stand['DELIVERY'] = await deliveryOf(asAdmin)
      const body = exampleBody(operation)
      const payload = body === undefined ? undefined : filled(JSON.stringify(body))
      const answer = await asAdmin(method, filled(exampleAddress(path, operation)), payload)
      if (answer.status >= 300) refused.push([method, path, answer.text])
      const made = /^POST \/api\/v1\/(channels|mutes|tokens)$/.exec(`${method} ${path}`)?.[1]
      if (made !== undefined) stand[made.slice(0, -1).toUpperCase()] = answer.body.id
    }
    expect(refused).toEqual([])
  })

  it('is a page that names every operation, and loads nothing from elsewhere', async () => {
    const app = await startApp()
    const operations = operationsOf(await documentOf(app))
    const { text, headers } = await app.inject({ url: '/docs/' })
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    for (const { operation } of operations) expect(text).toContain(`id="${operation.operationId}"`)
    expect(text).not.toMatch(/<script|(src|href)="(https?:)?\/\//)
    const style = await app.inject({ url: '/docs/page.css' })
    expect(style).toMatchObject({ status: 200, headers: { 'content-type': 'text/css; charset=utf-8' } })
    expect(await app.inject({ url: '/docs' })).toMatchObject({ status: 302, headers: { location: 'docs/' } })
  })
})

/** A message that the service wrote by itself, of a run whose clipping saturates. */
async function deliveryOf(
  call: (method: string, path: string, payload?: string) => Promise<Answer>,
): Promise<string> {
  const clip = { mode: 'norm', max_norm: 1 }
  await call('PUT', '/api/v1/runs/hot', JSON.stringify({ project: 'toy-rnn', clip }))
  const points = Array.from({ length: 1_000 }, (_, step) => ({ step, grad_norm: 5, loss: 2 }))
  await call('POST', '/api/v1/runs/hot/points', JSON.stringify({ points }))
  return (await call('GET', '/api/v1/deliveries?run=hot')).body.deliveries[0].id
}
