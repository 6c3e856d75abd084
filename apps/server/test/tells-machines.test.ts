import { describe, expect, it } from 'vitest'
import { startApp } from './start-app.ts'

const get = (url: string) => ({ method: 'GET' as const, url })

describe('what machines ask', () => {
  it('answers that it lives and that it can store', async () => {
    const { inject } = await startApp()
    expect(await inject(get('/healthz'))).toMatchObject({ status: 200, body: { status: 'ok' } })
    const ready = {
      status: 'ok',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      migrations: expect.any(Number),
    }
    expect(await inject(get('/readyz'))).toMatchObject({ status: 200, body: ready })
  })

  it.each([{}, { access: { operatorToken: 'nw_x' } }])(
    'lives, but is not ready, once the store is closed (%j)',
    async (options) => {
      const { inject, services } = await startApp(options)
      await services.store.close()
      const refusal = await inject(get('/readyz'))
      expect(refusal).toMatchObject({ status: 503, body: { error: { code: 'store_unavailable' } } })
      expect(refusal.headers['retry-after']).toBe('1')
      const asked = { ...get('/healthz'), headers: { authorization: 'Bearer nw_y' } }
      for (const request of [get('/healthz'), asked]) expect((await inject(request)).status).toBe(200)
    },
  )

  it('gives Prometheus the requests, the points and the figures of running runs', async () => {
    const { inject, call } = await startApp()
    await call('PUT', '/runs/hot', { project: 'p"x', clip: { mode: 'norm', max_norm: 1 } })
    await call('PUT', '/runs/done', {})
    await call('PATCH', '/runs/done', { status: 'finished' })
    await call('POST', '/runs/hot/points', {
      points: [
        { step: 0, grad_norm: 2 },
        { step: 1, grad_norm: 'Infinity' },
      ],
    })
    const { text, headers } = await inject(get('/metrics'))
    expect(headers['content-type']).toContain('text/plain')
    expect(text).toContain('normwatch_requests_total{method="PUT",route="/api/v1/runs/:id",status="201"} 2')
    expect(text).toContain('normwatch_points_total 2')
    expect(text).toContain('normwatch_runs_running 1')
    expect(text).toContain('normwatch_run_grad_norm{run="hot",project="p\\"x"} +Inf')
    expect(text).toContain('normwatch_run_clip_rate{run="hot",project="p\\"x"} 1')
    expect(text).toContain('normwatch_run_flagged{run="hot",project="p\\"x"} 1')
    expect(text).not.toContain('done')
  })

  it('describes every route of the contract as OpenAPI', async () => {
    const { inject } = await startApp()
    const { body } = await inject(get('/api/v1/openapi.json'))
    const routes = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(routes).toEqual(
      expect.arrayContaining([
        'GET /api/v1/runs',
        'POST /api/v1/runs',
        'PUT /api/v1/runs/{id}',
        'GET /api/v1/runs/{id}',
        'PATCH /api/v1/runs/{id}',
        'DELETE /api/v1/runs/{id}',
        'POST /api/v1/runs/{id}/points',
        'GET /api/v1/runs/{id}/points',
        'GET /api/v1/runs/{id}/series',
        'GET /api/v1/runs/{id}/layers',
        'GET /api/v1/runs/{id}/findings',
        'GET /api/v1/findings',
        'GET /api/v1/projects',
        'GET /healthz',
        'GET /readyz',
        'GET /metrics',
      ]),
    )
    const post = body.paths['/api/v1/runs/{id}/points'].post
    expect(JSON.stringify(post.requestBody)).toContain('columns')
  })

  it('shows the API to people, with no code in the page', async () => {
    const { inject } = await startApp()
    const page = await inject(get('/docs/'))
    expect(page).toMatchObject({ status: 200 })
    expect(page.text).not.toMatch(/<script(?![^>]*src=)[^>]*>/)
    expect(page.text).not.toMatch(/(src|href)="https?:/)
  })

  it('tells new requests to come back while it shuts down', async () => {
    const { app, listen } = await startApp()
    let answer: Response | undefined
    app.addHook('preClose', async () => {
      answer = await fetch(`${url}/healthz`)
    })
    const url = await listen()
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    await app.close()
    expect(answer?.status).toBe(503)
    expect(await answer?.json()).toMatchObject({ error: { code: 'shutting_down' } })
  })
})
