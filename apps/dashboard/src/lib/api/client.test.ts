import { describe, expect, it } from 'vitest'
import { createApi } from '#lib/api/client.ts'
import { ApiFailure, sentenceOf } from '#lib/api/failure.ts'

function apiAnswering(answer: (url: string, init: RequestInit) => Response | Promise<Response>) {
  return createApi('/api/v1', (url, init) => Promise.resolve(answer(String(url), init ?? {})))
}

describe('the API client', () => {
  it('names a run, its metrics and its range in the address', async () => {
    const seen: string[] = []
    const api = apiAnswering((url) => (seen.push(url), Response.json({})))
    await api.series('a.b', { metrics: ['loss', 'layers/x y'], range: { from: 3, to: 9 }, maxPoints: 60 })
    expect(seen).toEqual([
      '/api/v1/runs/a.b/series?from=3&to=9&metric=loss&metric=layers%2Fx+y&max_points=60',
    ])
  })
  it('turns a refusal into its sentence, with the first detail', async () => {
    const error = {
      code: 'run_invalid',
      message: 'The run is not valid.',
      details: [{ path: '/name', message: 'is empty' }],
    }
    const api = apiAnswering(() => Response.json({ error }, { status: 400 }))
    const failure = await api.patchRun('a', { name: '' }).catch((reason: unknown) => reason)
    expect(failure).toMatchObject({ status: 400, code: 'run_invalid', notFound: false })
    expect(sentenceOf(failure)).toBe('The run is not valid. (/name: is empty)')
  })
  it('has a sentence for an answer that is not the API’s', async () => {
    const api = apiAnswering(() => new Response('<h1>Bad gateway</h1>', { status: 502 }))
    expect(sentenceOf(await api.run('a').catch((reason: unknown) => reason))).toBe(
      'The server answered with status 502 and no explanation.',
    )
  })
  it('says that no answer came', async () => {
    const api = apiAnswering(() => Promise.reject(new TypeError('fetch failed')))
    const failure = await api.run('a').catch((reason: unknown) => reason)
    expect(failure).toBeInstanceOf(ApiFailure)
    expect(sentenceOf(failure)).toBe('The server does not answer.')
  })
  it('lets an abandoned request reject as what it is', async () => {
    const abort = new AbortController()
    const api = apiAnswering(() => Promise.reject(abort.signal.reason as Error))
    abort.abort()
    await expect(api.listRuns(new URLSearchParams(), abort.signal)).rejects.toThrow(/abort/i)
  })
})
