import type { SeriesReply } from '@normwatch/protocol'
import { expect, it } from 'vitest'
import { startApp } from './start-app.ts'

it('a chart of many metrics, which is read and written in pieces, says what charts of single ones say', async () => {
  const { call } = await startApp()
  await call('PUT', '/runs/r', { clip: { mode: 'norm', max_norm: 1 } })
  const step = Array.from({ length: 1_500 }, (_, i) => 3 * i)
  const names = ['grad_norm', 'loss', '__proto__', ...Array.from({ length: 61 }, (_, i) => `m"${i}`)]
  const readings = names.map((name, k) => [
    name,
    step.map((at, i) => (i % (k + 2) === 0 ? null : i % 97 === 0 ? 'NaN' : (at * 31 + k) % 7)),
  ])
  await call('POST', '/runs/r/points', { columns: Object.fromEntries([['step', step], ...readings]) })
  const query = (metrics: readonly string[], range: string) =>
    `/runs/r/series?${metrics.map((name) => `metric=${encodeURIComponent(name)}`).join('&')}${range}`
  for (const range of ['&max_points=2000', '&max_points=100', '&from=301&to=3301&max_points=400']) {
    const answer = await call('GET', query(names, range))
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    const { series, ...frame } = answer.body as SeriesReply
    expect(Object.keys(series)).toEqual(names)
    for (const name of names) {
      const { series: alone, ...itsFrame } = (await call('GET', query([name], range))).body as SeriesReply
      expect(itsFrame).toEqual(frame)
      expect(Object.entries(series).find(([other]) => other === name)).toEqual(Object.entries(alone)[0])
    }
  }
})
