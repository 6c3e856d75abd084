import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { startApp } from './start-app.ts'

const json = { 'content-type': 'application/json' }
const rows = (count: number) => Array.from({ length: count }, (_, step) => ({ step, loss: 1 }))
const point = (reading: string) => `{"points": [{"step": 0, "loss": ${reading}}]}`

/** Bodies that must store nothing. `at`: the place that the refusal names. */
const badPoints: { name: string; body: string; code: string; at?: string }[] = [
  {
    name: 'a negative step',
    body: '{"points": [{"step": -1}]}',
    code: 'points_invalid',
    at: '/points/0/step',
  },
  {
    name: 'a fractional step',
    body: '{"points": [{"step": 1.5}]}',
    code: 'points_invalid',
    at: '/points/0/step',
  },
  {
    name: 'step 2^53',
    body: '{"points": [{"step": 9007199254740992}]}',
    code: 'points_invalid',
    at: '/points/0/step',
  },
  {
    name: 'a point without step',
    body: '{"points": [{"loss": 1}]}',
    code: 'points_invalid',
    at: '/points/0/step',
  },
  { name: 'a number as a string', body: point('"0.5"'), code: 'points_invalid', at: '/points/0/loss' },
  { name: 'an empty string', body: point('""'), code: 'points_invalid', at: '/points/0/loss' },
  { name: 'a boolean', body: point('true'), code: 'points_invalid', at: '/points/0/loss' },
  { name: 'an object', body: point('{}'), code: 'points_invalid', at: '/points/0/loss' },
  { name: 'a null row', body: '{"points": [null]}', code: 'points_invalid', at: '/points/0' },
  {
    name: 'one bad row among good ones',
    body: '{"points": [{"step": 0, "loss": 1}, {"step": 1, "loss": "x"}]}',
    code: 'points_invalid',
    at: '/points/1/loss',
  },
  {
    name: 'a time in milliseconds',
    body: '{"points": [{"step": 0, "time": 1764000000000}]}',
    code: 'points_invalid',
    at: '/points/0/time',
  },
  {
    name: 'columns of unequal length',
    body: '{"columns": {"step": [0, 1], "loss": [1]}}',
    code: 'points_invalid',
    at: '/columns/loss',
  },
  {
    name: 'columns without steps',
    body: '{"columns": {"loss": [1]}}',
    code: 'points_invalid',
    at: '/columns/step',
  },
  {
    name: 'rows and columns at once',
    body: '{"points": [], "columns": {"step": []}}',
    code: 'points_invalid',
    at: '',
  },
  { name: 'a list', body: '[]', code: 'points_invalid', at: '' },
  { name: 'null', body: 'null', code: 'points_invalid', at: '' },
  { name: 'no body', body: '', code: 'points_invalid', at: '' },
  {
    name: 'a metric without a name',
    body: '{"points": [{"step": 0, "": 1}]}',
    code: 'points_invalid',
    at: '/points/0/',
  },
  {
    name: 'a metric with too long a name',
    body: `{"points": [{"step": 0, "${'x'.repeat(129)}": 1}]}`,
    code: 'points_invalid',
  },
  {
    name: '10,001 points',
    body: JSON.stringify({ points: rows(10_001) }),
    code: 'too_many_points',
    at: '/points',
  },
  { name: 'a literal NaN', body: point('NaN'), code: 'json_invalid' },
  { name: 'a literal -Infinity', body: point('-Infinity'), code: 'json_invalid' },
  { name: 'half a body', body: '{"points": [{"step": 0', code: 'json_invalid' },
  {
    name: '9 MiB',
    body: JSON.stringify({ points: [], pad: 'x'.repeat(9 * 1024 * 1024) }),
    code: 'body_too_large',
  },
  {
    name: '257 metrics',
    body: JSON.stringify({
      points: [Object.fromEntries([['step', 0], ...Array.from({ length: 257 }, (_, i) => [`m${i}`, 1])])],
    }),
    code: 'too_many_metrics',
  },
]

describe('points that are wrong', () => {
  it.each(badPoints)('refuses $name with $code and stores nothing', async ({ body, code, at }) => {
    const { call, inject } = await startApp()
    await call('PUT', '/runs/r', {})
    const refusal = await inject({
      method: 'POST',
      url: '/api/v1/runs/r/points',
      headers: json,
      payload: body,
    })
    expect(refusal.status).toBe(code.startsWith('too_many') || code === 'body_too_large' ? 413 : 400)
    expect(refusal.body.error.code).toBe(code)
    expect(refusal.body.error.message).toMatch(/^[^\n]+\.$/)
    if (at !== undefined) expect(refusal.body.error.details[0].path).toBe(at)
    expect((await call('GET', '/runs/r')).body).toMatchObject({ points: 0, last_step: null, latest: {} })
    expect((await inject({ method: 'GET', url: '/api/v1/runs/r/points' })).text).toBe('')
  })

  it('says how to send a non-finite reading', async () => {
    const { call, inject } = await startApp()
    await call('PUT', '/runs/r', {})
    const refusal = await inject({
      method: 'POST',
      url: '/api/v1/runs/r/points',
      headers: json,
      payload: point('NaN'),
    })
    expect(refusal.body.error.message).toContain('"NaN"')
  })

  it('refuses points of an unknown run', async () => {
    const { call } = await startApp()
    const refusal = await call('POST', '/runs/nobody/points', { points: rows(1) })
    expect(refusal.status).toBe(404)
    expect(refusal.body.error).toMatchObject({ code: 'run_not_found', details: [] })
    expect((await call('GET', '/runs')).body.runs).toEqual([])
  })
})

describe('encoded bodies', () => {
  const body = JSON.stringify({ points: rows(3) })
  const bomb = Buffer.alloc(20 * 1024 * 1024, ' ')
  const cut = (encoded: Buffer) => encoded.subarray(0, encoded.length - 10)

  it.each([
    { name: 'a whole gzip body', encoding: 'gzip', payload: gzipSync(body), status: 200, code: undefined },
    {
      name: 'a whole zstd body',
      encoding: 'zstd',
      payload: zstdCompressSync(body),
      status: 200,
      code: undefined,
    },
    {
      name: 'invalid gzip',
      encoding: 'gzip',
      payload: Buffer.from(body),
      status: 400,
      code: 'encoding_invalid',
    },
    {
      name: 'gzip cut off',
      encoding: 'gzip',
      payload: cut(gzipSync(body)),
      status: 400,
      code: 'encoding_invalid',
    },
    {
      name: 'invalid zstd',
      encoding: 'zstd',
      payload: Buffer.from(body),
      status: 400,
      code: 'encoding_invalid',
    },
    {
      name: 'zstd cut off',
      encoding: 'zstd',
      payload: cut(zstdCompressSync(body)),
      status: 400,
      code: 'encoding_invalid',
    },
    { name: 'a gzip bomb', encoding: 'gzip', payload: gzipSync(bomb), status: 413, code: 'body_too_large' },
    {
      name: 'a zstd bomb',
      encoding: 'zstd',
      payload: zstdCompressSync(bomb),
      status: 413,
      code: 'body_too_large',
    },
    { name: 'br', encoding: 'br', payload: Buffer.from(body), status: 415, code: 'encoding_unsupported' },
    {
      name: 'constructor',
      encoding: 'constructor',
      payload: Buffer.from(body),
      status: 415,
      code: 'encoding_unsupported',
    },
    {
      name: 'bytes that are no UTF-8',
      encoding: 'identity',
      payload: Buffer.from('{"points": [], "a": "\xff"}', 'latin1'),
      status: 400,
      code: 'json_invalid',
    },
  ])('answers $name with $status', async ({ encoding, payload, status, code }) => {
    const { call, inject } = await startApp()
    await call('PUT', '/runs/r', {})
    const answer = await inject({
      method: 'POST',
      url: '/api/v1/runs/r/points',
      headers: { ...json, 'content-encoding': encoding },
      payload,
    })
    expect(answer.status).toBe(status)
    expect(answer.body.error?.code).toBe(code)
    expect((await call('GET', '/runs/r')).body.points).toBe(status === 200 ? 3 : 0)
  })
})

describe('runs that are wrong', () => {
  it.each([
    { fields: { clipp: {} }, at: '/clipp' },
    { fields: { status: 'finished' }, at: '/status' },
    { fields: { name: 5 }, at: '/name' },
    { fields: { name: '' }, at: '/name' },
    { fields: { project: 'a/b' }, at: '/project' },
    { fields: { project: 'p\ud800' }, at: '/project' },
    { fields: { parts: { '\udc00': {} } }, at: '/parts' },
    { fields: { tags: ['a', 'a'] }, at: '/tags' },
    { fields: { clip: { mode: 'norm' } }, at: '/clip/max_norm' },
    { fields: { clip: { mode: 'norm', max_norm: 0 } }, at: '/clip/max_norm' },
    { fields: { clip: { mode: 'norm', max_norm: '1' } }, at: '/clip/max_norm' },
    { fields: { config: [] }, at: '/config' },
    { fields: [], at: '' },
  ])('refuses $fields and creates nothing', async ({ fields, at }) => {
    const { call } = await startApp()
    const refusal = await call('PUT', '/runs/r', fields)
    expect(refusal.status).toBe(400)
    expect(refusal.body.error.code).toBe('run_invalid')
    expect(refusal.body.error.details.map(({ path }: { path: string }) => path)).toContain(at)
    expect((await call('GET', '/runs/r')).status).toBe(404)
  })

  it.each(['a%2Fb', '..', 'a..b', '.', 'a b', 'ü', 'x'.repeat(65), '%00', 'a%5Cb'])(
    'refuses the id %s',
    async (id) => {
      const { call } = await startApp()
      const refusal = await call('PUT', `/runs/${id}`, {})
      expect([400, 404]).toContain(refusal.status)
      expect(['run_id_invalid', 'route_not_found']).toContain(refusal.body.error.code)
      expect((await call('POST', '/runs', { id: decodeURIComponent(id) })).status).toBe(400)
      expect((await call('GET', '/runs')).body.runs).toEqual([])
    },
  )

  it.each([
    { method: 'PATCH', body: { status: 'paused' }, code: 'run_invalid' },
    { method: 'PATCH', body: { truncate_after: 1.5 }, code: 'run_invalid' },
    { method: 'PATCH', body: { id: 'other' }, code: 'run_invalid' },
  ] as const)('refuses $method $body', async ({ method, body, code }) => {
    const { call } = await startApp()
    const created = (await call('PUT', '/runs/r', {})).body
    expect((await call(method, '/runs/r', body)).body.error.code).toBe(code)
    expect((await call('GET', '/runs/r')).body).toEqual(created)
  })

  it.each(['PATCH', 'DELETE', 'GET'] as const)('answers %s of an unknown run with 404', async (method) => {
    const { call } = await startApp()
    const refusal = await call(method, '/runs/nobody', method === 'PATCH' ? {} : undefined)
    expect(refusal).toMatchObject({ status: 404, body: { error: { code: 'run_not_found' } } })
  })
})

describe('addresses that are wrong', () => {
  it.each([
    { url: '/api/v1/runs?limit=0', code: 'query_invalid', at: 'limit' },
    { url: '/api/v1/runs?limit=2.5', code: 'query_invalid', at: 'limit' },
    { url: '/api/v1/runs?health=fine', code: 'query_invalid', at: 'health' },
    { url: '/api/v1/runs?colour=red', code: 'query_invalid', at: 'colour' },
    { url: '/api/v1/runs?cursor=forged', code: 'cursor_invalid', at: 'cursor' },
    { url: '/api/v1/findings?kind=none', code: 'query_invalid', at: 'kind' },
    { url: '/api/v1/runs/r/series', code: 'query_invalid', at: 'metric' },
    { url: '/api/v1/runs/r/caps?cap=0', code: 'query_invalid', at: 'cap/0' },
    { url: '/api/v1/runs/r/caps?cap=1&cap=Infinity', code: 'query_invalid', at: 'cap/1' },
    { url: '/api/v1/runs/r/series?metric=loss&from=1.5', code: 'query_invalid', at: 'from' },
    { url: '/api/v1/runs/r/series?metric=loss&max_points=4001', code: 'query_invalid', at: 'max_points' },
    { url: '/api/v1/runs/r/series?metric=loss&x=time&to=1e12', code: 'query_invalid', at: 'to' },
    { url: '/api/v1/runs?limit=Infinity', code: 'query_invalid', at: 'limit' },
    { url: '/api/v1/runs?limit=1e999', code: 'query_invalid', at: 'limit' },
    { url: '/api/v1/runs/r/series?metric=loss&max_points=Infinity', code: 'query_invalid', at: 'max_points' },
    { url: '/api/v1/runs/r/series?metric=loss&from=-Infinity', code: 'query_invalid', at: 'from' },
    { url: '/api/v1/runs/r/series?metric=loss&x=time&to=Infinity', code: 'query_invalid', at: 'to' },
    { url: '/api/v1/runs/r/points?to=Infinity', code: 'query_invalid', at: 'to' },
    { url: '/api/v1/runs/r/points?format=xml', code: 'query_invalid', at: 'format' },
  ])('refuses $url, naming $at', async ({ url, code, at }) => {
    const { call, inject } = await startApp()
    await call('PUT', '/runs/r', {})
    const refusal = await inject({ method: 'GET', url })
    expect(refusal.status).toBe(400)
    expect(refusal.body.error).toMatchObject({
      code,
      details: expect.arrayContaining([{ path: at, message: expect.any(String) }]),
    })
  })

  it.each(['/api/v1/nothing', '/api/v1/runs/r/nothing', '/nothing.js'])(
    'answers %s with the error shape',
    async (url) => {
      const { inject } = await startApp()
      expect(await inject({ method: 'GET', url })).toMatchObject({
        status: 404,
        body: { error: { code: 'route_not_found', message: expect.any(String), details: [] } },
      })
    },
  )

  it('answers a broken escape with the error shape', async () => {
    const { inject } = await startApp()
    expect(await inject({ method: 'GET', url: '/api/v1/runs/%zz' })).toMatchObject({
      status: 400,
      body: { error: { code: 'request_invalid' } },
    })
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', undefined])(
    'refuses a body of type %s',
    async (type) => {
      const { inject } = await startApp()
      const headers = type === undefined ? {} : { 'content-type': type }
      const refusal = await inject({ method: 'PUT', url: '/api/v1/runs/r', headers, payload: '{}' })
      expect(refusal).toMatchObject({ status: 415, body: { error: { code: 'media_type_unsupported' } } })
    },
  )

  it('refuses nonsense on every route by name, and fails on none', async () => {
    const { inject, call } = await startApp()
    await call('PUT', '/runs/r', {})
    const { paths } = (await call('GET', '/openapi.json')).body as { paths: Record<string, object> }
    const asked = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    )
    expect(asked.length).toBeGreaterThan(30)
    for (const { method, path } of asked) {
      for (const payload of ['[]', '{"no_such_field": 1}']) {
        const url = `${path.replaceAll(/\{\w+\}/g, 'r')}?no_such_parameter=1`
        const body = method === 'GET' ? {} : { payload, headers: json }
        const { status } = await inject({ method: method as 'GET', url, ...body })
        expect({ method, path, fails: status >= 500 }).toEqual({ method, path, fails: false })
      }
    }
  })
})
