import { expect, it } from 'vitest'
import { startApp } from './start-app.ts'

it('says for any cap and range what the norms recorded would have come to', async () => {
  const { call } = await startApp()
  await call('PUT', '/runs/a', {})
  const norms = [0.5, 1, 2, 4, 'NaN', 'Infinity', 8]
  await call('POST', '/runs/a/points', { columns: { step: norms.map((_, i) => i), grad_norm: norms } })
  const { body } = await call('GET', '/runs/a/caps?cap=1&cap=2')
  expect(body).toMatchObject({
    steps: 5,
    curve: [
      { cap: 1, clip_rate: 0.6, mean_coefficient: (1 + 1 + 1 / 2 + 1 / 4 + 1 / 8) / 5 },
      { cap: 2, clip_rate: 0.4, mean_coefficient: (3 + 2 / 4 + 2 / 8) / 5 },
    ],
  })
  expect(body.quantiles).toMatchObject({ p50: 2, max: 8 })
  const part = (await call('GET', '/runs/a/caps?cap=1&from=1&to=3')).body
  expect([part.steps, part.curve[0].clip_rate]).toEqual([3, 2 / 3])
  expect((await call('GET', '/runs/a/caps')).body.curve).toHaveLength(64)
  expect((await call('GET', '/runs/a/caps?cap=-1')).status).toBe(400)
  expect((await call('GET', '/runs/none/caps')).body.error.code).toBe('run_not_found')
})

it('compares runs by measures of their records, and says what makes it weak', async () => {
  const { call } = await startApp()
  for (const [id, loss] of [
    ['rough', [3, 1, 3, 1]],
    ['smooth', [3, 2.9, 2.8, 2.7, 2.6]],
  ] as const) {
    await call('PUT', `/runs/${id}`, { config: { cap: id }, clip: { mode: 'norm', max_norm: 1 } })
    const step = loss.map((_, i) => i)
    await call('POST', `/runs/${id}/points`, { columns: { step, loss, grad_norm: step } })
  }
  const { body } = await call('GET', '/compare?run=rough&run=smooth')
  expect(body.runs.map(({ run }: { run: string }) => run)).toEqual(['rough', 'smooth'])
  expect(body.runs[0]).toMatchObject({
    loss_roughness: 2,
    final_loss: 1,
    points: 4,
    clip_rate: 0.5,
    spikes: 0,
  })
  expect(body.runs[1].loss_roughness).toBeCloseTo(0.1)
  expect(body.notes.join(' ')).toMatch(/One run a side.*lengths differ/s)
  expect((await call('GET', '/compare')).status).toBe(400)
  expect((await call('GET', '/compare?run=rough&run=none')).body.error.code).toBe('run_not_found')
})

it('compares by every reading there is, whatever it is that clips the steps', async () => {
  const { call } = await startApp()
  const measuresOf = async (id: string) => (await call('GET', `/compare?run=${id}`)).body.runs[0]
  await call('PUT', '/runs/own', { clip: { mode: 'norm', max_norm: 1 } })
  const own = { grad_norm: [2, 2, null, 'NaN', 0.5, 3], max_norm: [null, 4, 1, 1, 0.25, null] }
  await call('POST', '/runs/own/points', {
    columns: { step: [1, 2, 3, 4, 5, 8], time: [10, 11, 12, 13, 14, 17], ...own },
  })
  await call('POST', '/runs/own/points', { columns: { step: [0, 9], time: [9, 99], lr: [1, 1] } })
  expect(await measuresOf('own')).toMatchObject({
    points: 6,
    steps: 8,
    seconds: 7,
    clip_rate: 3 / 4,
    nonfinite: 1,
  })
  await call('PUT', '/runs/value', { clip: { mode: 'value', clip_value: 1, fraction_threshold: 0.5 } })
  const value = { clip_fraction: [0.1, 0.5, null, 0.9], grad_norm: [1, null, 2, 3], loss: [null, 4, 1, null] }
  await call('POST', '/runs/value/points', { columns: { step: [0, 1, 2, 3], ...value } })
  expect(await measuresOf('value')).toMatchObject({
    points: 4,
    clip_rate: 2 / 3,
    loss_roughness: 3,
    norm_quantiles: { p50: 2 },
  })
  await call('PUT', '/runs/free', {})
  await call('POST', '/runs/free/points', { columns: { step: [0, 1], grad_norm: [1, 2] } })
  expect(await measuresOf('free')).toMatchObject({ points: 2, clip_rate: null })
})

it('compares a run as it is now, however often it is asked', async () => {
  const { call } = await startApp()
  const measured = async () => (await call('GET', '/compare?run=a')).body.runs[0]
  const put = async () => {
    await call('PUT', '/runs/a', { clip: { mode: 'norm', max_norm: 1 } })
    await call('POST', '/runs/a/points', { columns: { step: [0, 1], grad_norm: [1, 2], loss: [1, 1] } })
  }
  await put()
  const first = await measured()
  expect(first).toMatchObject({ points: 2, clip_rate: 0.5 })
  expect(await measured()).toEqual(first)
  await call('POST', '/runs/a/points', { columns: { step: [2], grad_norm: [3] } })
  expect(await measured()).toMatchObject({ points: 3, clip_rate: 2 / 3 })
  await call('PATCH', '/runs/a', { clip: { mode: 'norm', max_norm: 2.5 } })
  expect(await measured()).toMatchObject({ points: 3, clip_rate: 1 / 3 })
  await call('DELETE', '/runs/a')
  await put()
  expect(await measured()).toEqual(first)
})
