import { expect, it } from 'vitest'
import { startReceiver } from './alerts-receiver.ts'
import { liveClient } from './live-client.ts'
import { startApp, tempFolder, type TestApp } from './start-app.ts'

const LENGTH = 160
const JUMP = 80
const wobble = (i: number) => 1 + 0.05 * Math.sin(i * i)

/** A run whose norm is ten times as high from step 80 on, and whose `kl` left two steps earlier; an event at step 77. */
async function train(call: TestApp['call'], to = LENGTH): Promise<void> {
  await call('PUT', '/runs/a', { clip: { mode: 'norm', max_norm: 1 } })
  await call('POST', '/runs/a/events', {
    events: [
      { step: 20, label: 'eval' },
      { step: 77, label: 'stage 2' },
    ],
  })
  for (let from = 0; from < to; from += 20) {
    const step = Array.from({ length: 20 }, (_, i) => from + i)
    await call('POST', '/runs/a/points', {
      columns: {
        step,
        grad_norm: step.map((i) => (i < JUMP ? 0.3 : 3) * wobble(i)),
        kl: step.map((i) => (i < JUMP - 2 ? 0.1 : 0.5) * wobble(i + 3)),
        reward: step.map((i) => 2 * wobble(2 * i)),
      },
    })
  }
}

const why = {
  onset: JUMP,
  moved: [{ metric: 'kl', at_step: JUMP - 2, lead: -2 }],
  events: [{ step: 77, label: 'stage 2' }],
}

/** Each with what moved at the jump, and there are some. */
const areExplained = (findings: { moved: { metric: string; at_step: number }[] }[]) =>
  findings.length > 0 &&
  findings.every(({ moved }) => moved[0]?.metric === 'kl' && moved[0].at_step === JUMP - 2)

it('says with a finding what else moved and happened where it began', async () => {
  const { call } = await startApp()
  await train(call)
  const findings = async () => (await call('GET', `/runs/a/snapshot?around=${JUMP}`)).body.findings
  await expect.poll(findings, { timeout: 60_000 }).toSatisfy(areExplained)
  const { body } = await call('GET', '/findings?kind=clip_regime_change')
  expect(body.findings).toMatchObject([why])
  expect(body.findings[0].moved[0].ratio).toBeCloseTo(5, 0)
  expect(body.findings[0].diagnosis).toContainEqual(expect.objectContaining({ cause: 'noted_event' }))
})

it('shows the healthy run that is most like it, what differs, their norms at the same step, and the layers that grew', async () => {
  const { call } = await startApp()
  const step = Array.from({ length: LENGTH }, (_, i) => i)
  const config = { model: 'tiny', batch_size: 8, data: { name: 'toy', shuffle: true } }
  const send = async (id: string, lr: number, of: (i: number) => number) => {
    await call('PUT', `/runs/${id}`, {
      project: 'p',
      clip: { mode: 'norm', max_norm: 1 },
      config: { ...config, lr },
    })
    const grad_norm = step.map((i) => of(i) * wobble(i))
    const layers = { body: step.map((i) => 0.1 * wobble(i)), head: grad_norm }
    await call('POST', `/runs/${id}/points`, {
      columns: { step, grad_norm, loss: step.map(() => 1), layers },
    })
  }
  await send('good', 3e-4, () => 0.3)
  await call('PATCH', '/runs/good', { status: 'finished' })
  await send('bad', 3e-3, (i) => (i < JUMP ? 0.3 : 3))
  const saturated = async () => (await call('GET', '/findings?kind=clip_saturated')).body.findings[0]
  await expect.poll(async () => (await saturated())?.sibling?.run, { timeout: 60_000 }).toBe('good')
  const { sibling, layers, opened_step } = await saturated()
  expect(sibling.differs).toEqual([{ key: 'lr', this: 3e-3, that: 3e-4 }])
  expect(sibling.norms.step).toBe(opened_step)
  expect(sibling.norms.this / sibling.norms.that).toBeCloseTo(10, 0)
  expect(layers).toMatchObject([{ layer: 'head', at_step: JUMP, lead: 0, nonfinite: false }])
})

it('tells readers that watch the run once it is known, and with the end of the finding', async () => {
  const { call, listen } = await startApp()
  const client = await liveClient(await listen())
  await call('PUT', '/runs/a', {})
  client.send({ type: 'watch', run: 'a' })
  await train(call)
  const found = () =>
    client.frames.flatMap((frame) =>
      frame.type === 'finding' && frame.finding.kind === 'clip_saturated' ? [frame.finding] : [],
    )
  await expect.poll(() => found().at(-1), { timeout: 60_000 }).toMatchObject({ state: 'open', ...why })
  await call('PATCH', '/runs/a', { status: 'finished' })
  await expect.poll(() => found().at(-1), { timeout: 60_000 }).toMatchObject({ state: 'closed', ...why })
})

it('sends it with the message that opens the finding, on every kind of channel a sentence each', async () => {
  const { call, services } = await startApp()
  const [webhook, slack] = [await startReceiver(), await startReceiver()]
  const kinds = ['clip_saturated']
  await call('POST', '/channels', { kind: 'webhook', url: webhook.url, name: 'w', kinds })
  await call('POST', '/channels', { kind: 'slack', url: slack.url, name: 's', kinds })
  services.alerts.start('http://norms.example')
  await train(call)
  await expect.poll(() => webhook.received.length, { timeout: 60_000 }).toBe(1)
  await expect.poll(() => slack.received.length, { timeout: 60_000 }).toBe(1)
  expect(JSON.parse(webhook.received[0]?.body ?? '')).toMatchObject({
    type: 'finding.opened',
    data: { finding: { state: 'open', ...why } },
  })
  expect(slack.received[0]?.body).toMatch(/kl rose [45](\.\d)?× at step 78, 2 steps before the norm/)
  expect(slack.received[0]?.body).toContain('step 77: stage 2')
})

it('explains after a restart what was not explained before it', async () => {
  const folder = await tempFolder()
  const first = await startApp({ folder })
  await first.services.ingest.stop()
  await train(first.call)
  const list = async ({ call }: TestApp) =>
    (await call('GET', '/findings?kind=clip_regime_change')).body.findings
  expect(await list(first)).toMatchObject([{ moved: [], events: [] }])
  await first.app.close()
  await first.services.store.close()
  const second = await startApp({ folder })
  second.services.ingest.start()
  await expect.poll(() => list(second), { timeout: 60_000 }).toMatchObject([why])
})

it('reports no error for a run that is removed while a finding of it is explained', async () => {
  const { call, services } = await startApp()
  const { events } = services.store
  const { list } = events
  const removed = Promise.withResolvers<void>()
  Object.assign(events, {
    list: async (...query: Parameters<typeof list>) => {
      const found = await list(...query)
      if ((await call('DELETE', '/runs/a')).status === 204) removed.resolve()
      return found
    },
  })
  await train(call)
  await removed.promise
  await services.ingest.stop()
  expect((await call('GET', '/findings')).body.findings).toEqual([])
})

it('looks again at what was seen at its very onset once enough has followed, or the run has ended', async () => {
  const { call } = await startApp()
  const send = (run: string, from: number, to: number) => {
    const step = Array.from({ length: to - from }, (_, i) => from + i)
    return call('POST', `/runs/${run}/points`, {
      columns: {
        step,
        grad_norm: step.map((i) => (i === JUMP ? 30 : 0.3) * wobble(i)),
        kl: step.map((i) => (i < JUMP ? 0.1 : 0.5) * wobble(i + 3)),
      },
    })
  }
  const spikeOf = async (run: string) =>
    (await call('GET', `/findings?kind=spike&run=${run}`)).body.findings[0]
  for (const run of ['a', 'b']) {
    await call('PUT', `/runs/${run}`, { clip: { mode: 'norm', max_norm: 100 } })
    await send(run, 0, JUMP + 1)
    await expect.poll(() => spikeOf(run), { timeout: 60_000 }).toMatchObject({ explained: true, moved: [] })
  }
  await send('a', JUMP + 1, JUMP + 30)
  await send('b', JUMP + 1, JUMP + 10)
  await call('PATCH', '/runs/b', { status: 'finished' })
  const looked = { explained: true, moved: [{ metric: 'kl', at_step: JUMP, lead: 0 }] }
  for (const run of ['a', 'b'])
    await expect.poll(() => spikeOf(run), { timeout: 60_000 }).toMatchObject(looked)
})
