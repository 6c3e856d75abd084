import { expect, it } from 'vitest'
import { StoreUnavailable } from '../src/storage/store.ts'
import { startApp, tempFolder, type TestApp } from './start-app.ts'

/** 60 steps clipped, 300 far below the cap: saturated at first, well later. */
async function sendSaturatedStart(call: TestApp['call'], id: string, fields: object = {}): Promise<void> {
  await call('PUT', `/runs/${id}`, { clip: { mode: 'norm', max_norm: 1 }, ...fields })
  const points = Array.from({ length: 360 }, (_, step) => ({
    step,
    time: 1_764_000_000 + step,
    grad_norm: step < 60 ? 3 + (step % 5) / 10 : 0.4 + (step % 5) / 100,
    loss: 2,
  }))
  expect((await call('POST', `/runs/${id}/points`, { points })).status).toBe(200)
}
const kinds = (findings: { kind: string }[]) => findings.map(({ kind }) => kind)

it('previews other settings on the record and stores nothing', async () => {
  const { call } = await startApp()
  await sendSaturatedStart(call, 'a')
  const stored = async () => (await call('GET', '/runs/a/findings')).body
  const areExplained = ({ findings }: { findings: { explained: boolean }[] }) =>
    findings.every(({ explained }) => explained)
  await expect.poll(stored, { timeout: 60_000 }).toSatisfy(areExplained)
  const before = await stored()
  expect(kinds(before.findings)).toContain('clip_saturated')

  const off = await call('POST', '/runs/a/preview', { clip_saturated: { enabled: false } })
  expect(off.status).toBe(200)
  expect(off.body.settings.clip_saturated).toMatchObject({ enabled: false, open_rate: 0.8 })
  expect(kinds(off.body.findings)).not.toContain('clip_saturated')

  const same = await call('POST', '/runs/a/preview', {})
  const shape = ({ kind, opened_step, closed_step }: Record<string, unknown>) => [
    kind,
    opened_step,
    closed_step,
  ]
  expect(same.body.findings.map(shape).sort()).toEqual(before.findings.map(shape).sort())
  expect((await call('GET', '/runs/a/findings')).body).toEqual(before)
})

it('judges a run again when its settings change, and closes what no longer holds', async () => {
  const { call } = await startApp()
  await call('PUT', '/runs/a', { clip: { mode: 'norm', max_norm: 1 } })
  const points = Array.from({ length: 80 }, (_, step) => ({ step, grad_norm: 3 + (step % 7) / 10, loss: 2 }))
  await call('POST', '/runs/a/points', { points })
  expect((await call('GET', '/runs/a')).body.health).toBe('flagged')

  const reply = await call('PUT', '/runs/a/settings', { clip_saturated: { enabled: false } })
  expect(reply.body.overrides).toEqual({ clip_saturated: { enabled: false } })
  expect((await call('GET', '/runs/a')).body.health).not.toBe('flagged')
  const [finding] = (await call('GET', '/runs/a/findings')).body.findings
  expect(finding).toMatchObject({ kind: 'clip_saturated', state: 'closed', close_reason: 'settings_changed' })

  await call('PUT', '/runs/a/settings', {})
  expect((await call('GET', '/runs/a')).body.health).toBe('flagged')
})

it("lets a project's settings hold for its runs, and a run's own override them", async () => {
  const { call } = await startApp()
  await sendSaturatedStart(call, 'a', { project: 'p' })
  await sendSaturatedStart(call, 'b', { project: 'p' })
  await call('PUT', '/runs/b/settings', { clip_saturated: { enabled: true } })
  await call('PUT', '/projects/p/settings', { clip_saturated: { enabled: false, open_rate: 0.9 } })
  expect((await call('GET', '/runs/a/settings')).body.settings.clip_saturated).toMatchObject({
    enabled: false,
    open_rate: 0.9,
  })
  expect((await call('GET', '/runs/b/settings')).body.settings.clip_saturated).toMatchObject({
    enabled: true,
    open_rate: 0.9,
  })
})

it("judges a project's runs again in the background", async () => {
  const { call } = await startApp()
  await call('PUT', '/runs/a', { project: 'p', clip: { mode: 'norm', max_norm: 1 } })
  const points = Array.from({ length: 80 }, (_, step) => ({ step, grad_norm: 3 + (step % 7) / 10, loss: 2 }))
  await call('POST', '/runs/a/points', { points })
  await call('PUT', '/projects/p/settings', { clip_saturated: { enabled: false } })
  await expect.poll(async () => (await call('GET', '/runs/a')).body.health).not.toBe('flagged')
})

it('finds in a judged record the hundreds of spikes that a run judged so from its start has', async () => {
  const { call, services } = await startApp()
  const step = Array.from({ length: 10_000 }, (_, i) => i)
  const norms = step.map((i) => (i % 25 === 24 ? 40 : 1 + (i % 7) / 50))
  for (const id of ['a', 'b']) await call('PUT', `/runs/${id}`, { clip: { mode: 'norm', max_norm: 5 } })
  await call('PUT', '/runs/b/settings', { spike: { enabled: false } })
  for (const id of ['a', 'b']) {
    await call('POST', `/runs/${id}/points`, { columns: { step, grad_norm: norms } })
  }
  const spikes = async (run: string) => {
    const { findings } = await services.store.findings.list({ run, kind: 'spike', limit: 1000 })
    return findings.map(({ opened_step, closed_step, close_reason, state, severity }) => {
      return { opened_step, closed_step, close_reason, state, severity }
    })
  }
  expect(await spikes('b')).toEqual([])
  await call('PUT', '/runs/b/settings', {})
  const found = await spikes('b')
  expect(found.length).toBeGreaterThan(300)
  expect(found).toEqual(await spikes('a'))
})

it('judges a record again when a stop came after the findings of the past were stored', async () => {
  const folder = await tempFolder()
  const before = await startApp({ folder })
  const step = Array.from({ length: 2_000 }, (_, i) => i)
  const norms = step.map((i) => (i % 25 === 24 ? 40 : 1 + (i % 7) / 50))
  for (const id of ['a', 'b'])
    await before.call('PUT', `/runs/${id}`, { clip: { mode: 'norm', max_norm: 5 } })
  await before.call('PUT', '/runs/b/settings', { spike: { enabled: false } })
  for (const id of ['a', 'b']) {
    await before.call('POST', `/runs/${id}/points`, { columns: { step, grad_norm: norms } })
  }
  const { ingest, store } = before.services
  Object.assign(store.points, {
    rejudge: () => {
      void ingest.stop()
      return Promise.reject(new StoreUnavailable('The service stops.'))
    },
  })
  expect((await before.call('PUT', '/runs/b/settings', {})).status).toBe(503)
  await ingest.stop()
  await store.close()
  const { call, services } = await startApp({ folder })
  for (const id of ['a', 'b']) {
    await call('POST', `/runs/${id}/points`, { points: [{ step: 2_000, grad_norm: 40 }] })
  }
  const open = async (run: string) => {
    const { findings } = await services.store.findings.list({ run, state: 'open', limit: 10 })
    return findings.map(({ kind, opened_step }) => ({ kind, opened_step }))
  }
  expect(await open('a')).toMatchObject([{ kind: 'spike' }])
  await expect.poll(() => open('b')).toEqual(await open('a'))
})

it('ends the judging of a project that its stop interrupts, and the next start finishes it', async () => {
  const folder = await tempFolder()
  const before = await startApp({ folder })
  await sendSaturatedStart(before.call, 'a', { project: 'p' })
  await before.call('PUT', '/projects/p/settings', { clip_saturated: { enabled: false } })
  await before.services.ingest.stop()
  await before.services.store.close()
  const { call } = await startApp({ folder })
  await call('POST', '/runs/a/points', { points: [{ step: 1_000, grad_norm: 0.1, loss: 2 }] })
  await expect.poll(async () => (await call('GET', '/runs/a')).body.health).not.toBe('flagged')
})

it('refuses wrong settings by name and keeps those in force', async () => {
  const { call } = await startApp()
  await call('PUT', '/runs/a', {})
  const wrong: [object, string][] = [
    [{ clip_saturated: { open_rate: 2 } }, '/clip_saturated/open_rate'],
    [{ clip_saturated: { opens: 0.5 } }, '/clip_saturated/opens'],
    [{ nonsense: {} }, '/nonsense'],
    [{ spike: { enabled: 1 } }, '/spike/enabled'],
    [{ clip_saturated: { close_rate: 0.95 } }, '/clip_saturated/close_rate'],
  ]
  for (const address of ['/runs/a/settings', '/projects/p/settings']) {
    for (const [body, path] of wrong) {
      const reply = await call('PUT', address, body)
      expect([reply.status, reply.body.error.code]).toEqual([400, 'settings_invalid'])
      expect(reply.body.error.details[0].path).toBe(path)
    }
    expect((await call('GET', address)).body.overrides).toEqual({})
  }
  expect((await call('PUT', '/runs/none/settings', {})).body.error.code).toBe('run_not_found')
})
