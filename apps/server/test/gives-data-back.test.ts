import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readReadings } from '../src/cli/export/readings.ts'
import { startApp } from './start-app.ts'

const rows = [
  { step: 0, time: 10, grad_norm: 1.5, loss: 'NaN', layers: { 'enc,0': 0.5 } },
  { step: 1, time: 11, grad_norm: '-Infinity' },
  { step: 5, time: 12.25, loss: 0.1, '=1+1': 3 },
]

async function filledApp() {
  const app = await startApp()
  await app.call('PUT', '/runs/r', {})
  await app.call('POST', '/runs/r/points', { points: rows })
  const get = (query: string) => app.inject({ method: 'GET', url: `/api/v1/runs/r/points${query}` })
  return { ...app, get }
}

describe('the raw readings', () => {
  it('come back as they were sent, one JSON object a line', async () => {
    const { get } = await filledApp()
    const { headers, text } = await get('')
    expect(headers['content-type']).toContain('application/x-ndjson')
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(rows)
  })

  it('can be sent again as they came', async () => {
    const { get, call } = await filledApp()
    const lines = (await get('')).text.trim().split('\n')
    await call('PUT', '/runs/copy', {})
    await call('POST', '/runs/copy/points', { points: lines.map((line) => JSON.parse(line)) })
    expect((await call('GET', '/runs/copy/points')).text).toBe((await get('')).text)
  })

  it('come as CSV, with names that no spreadsheet runs', async () => {
    const { get } = await filledApp()
    const { headers, text } = await get('?format=csv')
    expect(headers['content-disposition']).toBe('attachment; filename="r.csv"')
    expect(text.split('\r\n')).toEqual([
      `step,time,'=1+1,grad_norm,"layers/enc,0",loss`,
      '0,10,,1.5,0.5,NaN',
      '1,11,,-Infinity,,',
      '5,12.25,3,,,0.1',
      '',
    ])
  })

  it('come as CSV from which exports read each name as it was logged', async () => {
    const { app, call } = await startApp()
    await call('PUT', '/runs/r', {})
    const names = ['-x', "'-x", "'x", "''x", '=1+1', '@a', '+b', 'a,"b"', '-c,d', 'loss']
    await call('POST', '/runs/r/points', {
      points: [{ step: 0, ...Object.fromEntries(names.map((name, i) => [name, i])) }],
    })
    const csv = await app.inject({ url: '/api/v1/runs/r/points', query: { format: 'csv', metric: names } })
    const { metrics } = await readReadings(Readable.from([csv.rawPayload]), 1_000)
    expect(metrics).toEqual(names)
  })

  it('can be narrowed to steps and metrics', async () => {
    const { get } = await filledApp()
    expect((await get('?from=1&to=4')).text).toBe('{"step":1,"time":11,"grad_norm":"-Infinity"}\n')
    expect((await get('?metric=loss')).text.split('\n')).toEqual([
      '{"step":0,"time":10,"loss":"NaN"}',
      '{"step":5,"time":12.25,"loss":0.1}',
      '',
    ])
    expect((await get('?metric=loss&metric=none&format=csv')).text).toBe(
      'step,time,loss,none\r\n0,10,NaN,\r\n5,12.25,0.1,\r\n',
    )
  })

  it.each(['', '?metric=loss', '?format=csv'])('of an unknown run are 404 (%s)', async (query) => {
    const { call } = await startApp()
    expect(await call('GET', `/runs/nobody/points${query}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'run_not_found' } },
    })
  })

  it('stream in bounded memory to a client that reads slowly', async () => {
    const { call, listen } = await startApp()
    const url = await listen()
    await call('PUT', '/runs/long', {})
    for (let first = 0; first < 300_000; first += 10_000) {
      const step = Array.from({ length: 10_000 }, (_, i) => first + i)
      await call('POST', '/runs/long/points', { columns: { step, loss: step } })
    }
    const answer = await fetch(`${url}/api/v1/runs/long/points`)
    let bytes = 0
    let lines = 0
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length
      lines += chunk.filter((byte) => byte === 10).length
      await new Promise(setImmediate)
    }
    expect(lines).toBe(300_000)
    expect(bytes).toBeGreaterThan(10_000_000)
  })
})

describe('charts', () => {
  it('keep every spike, non-finite readings apart, and buckets aligned to step 0', async () => {
    const { call } = await startApp()
    await call('PUT', '/runs/c', { clip: { mode: 'norm', max_norm: 1 } })
    const step = Array.from({ length: 5000 }, (_, i) => i + 3)
    const spikes = new Set([17, 999, 2500, 4999])
    const norm = step.map((s) => (s === 1234 ? 'NaN' : spikes.has(s) ? 50 + s : 0.5))
    await call('POST', '/runs/c/points', { columns: { step, grad_norm: norm } })
    const { body } = await call('GET', '/runs/c/series?metric=grad_norm&metric=none&max_points=100')
    const series = body.series.grad_norm
    expect(Math.log2(body.bucket) % 1).toBe(0)
    expect(series.step.length).toBeLessThanOrEqual(100)
    expect(series.step.every((s: number) => s % body.bucket === 0)).toBe(true)
    for (const spike of spikes) expect(series.max).toContain(50 + spike)
    expect(series.nonfinite.reduce((a: number, b: number) => a + b)).toBe(1)
    expect(series.over.reduce((a: number, b: number) => a + b)).toBe(4)
    expect(series.count.reduce((a: number, b: number) => a + b)).toBe(5000)
    expect(body.series.none.step).toEqual([])
    const zoomed = (await call('GET', '/runs/c/series?metric=grad_norm&from=990&to=1005')).body
    expect(zoomed).toMatchObject({ bucket: 1, total: 16 })
    expect(zoomed.series.grad_norm.max[9]).toBe(1049)
  })

  it('take a range of time when asked', async () => {
    const { call } = await startApp()
    await call('PUT', '/runs/c', {})
    const step = Array.from({ length: 100 }, (_, i) => i)
    await call('POST', '/runs/c/points', {
      columns: { step, time: step.map((s) => 1000 + s * 0.5), loss: step },
    })
    const { body } = await call('GET', '/runs/c/series?metric=loss&x=time&from=1010.2&to=1012')
    expect(body.series.loss.step).toEqual([21, 22, 23, 24])
  })

  it('lay the layers side by side', async () => {
    const { call } = await startApp()
    await call('PUT', '/runs/c', {})
    await call('POST', '/runs/c/points', {
      points: [
        { step: 0, layers: { a: 1, b: 2 } },
        { step: 1, layers: { b: 'NaN' } },
        { step: 2, layers: { a: 3 }, loss: 1 },
      ],
    })
    expect((await call('GET', '/runs/c/layers')).body).toEqual({
      from: 0,
      to: 2,
      bucket: 1,
      step: [0, 1, 2],
      layers: ['a', 'b'],
      values: [
        [1, null, 3],
        [2, null, null],
      ],
    })
  })
})
