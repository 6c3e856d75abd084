import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aChannel } from '../src/alerts/fixtures/event.ts'
import { messageOf } from '../src/alerts/messages/message.ts'
import { figures, headline } from '../src/alerts/messages/wording.ts'
import { isType, liveClient } from './live-client.ts'
import { startApp, tempFolder } from './start-app.ts'

type Columns = Record<string, (number | string | null)[]>

const steps = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)
const times = (of: readonly number[]) => of.map((step) => 1_764_000_000 + step)

/** A generator that is calm, and a critic whose every step is clipped. */
function gan(count: number): Columns {
  const step = steps(count)
  return {
    step,
    time: times(step),
    loss: step.map((at) => 3 - at / count),
    'grad_norm/generator': step.map((at) => 0.05 + 0.01 * Math.sin(at)),
    'grad_norm/critic': step.map((at) => 20 + Math.sin(at)),
    'lr/critic': step.map(() => 0.001),
  }
}
const cap = (max_norm: number) => ({ clip: { mode: 'norm', max_norm } })

describe('a run with parts', () => {
  it('is judged part by part, and says which of them is ill', async () => {
    const { call } = await startApp()
    await call('PUT', '/runs/gan', {
      optimizer: 'adam',
      parts: { generator: cap(1), critic: { ...cap(1), optimizer: 'rmsprop' } },
    })
    await call('POST', '/runs/gan/points', { columns: gan(400) })
    const run = (await call('GET', '/runs/gan')).body
    expect(run.health).toBe('flagged')
    expect(run.parts).toMatchObject([
      { name: 'generator', ...cap(1), optimizer: null, health: 'ok', clipping: { rate: 0, rate_total: 0 } },
      {
        name: 'critic',
        optimizer: 'rmsprop',
        health: 'flagged',
        clipping: { rate: 1, rate_total: 1, current_streak: 400 },
        latest: { grad_norm: expect.closeTo(20, -1), lr: 0.001 },
      },
    ])
    expect(run.parts[0].latest).toEqual({ grad_norm: run.latest['grad_norm/generator'] })
    expect(run.clipping).toMatchObject({ rate: null, rate_total: null })
    expect(run.conditions).toMatchObject([{ part: 'critic', kind: 'clip_saturated' }])
    const { findings } = (await call('GET', '/findings?run=gan')).body
    expect(findings).toMatchObject([{ part: 'critic', kind: 'clip_saturated', state: 'open' }])
    const { series } = (
      await call('GET', '/runs/gan/series?metric=grad_norm/critic&metric=grad_norm/generator&max_points=4')
    ).body
    expect(series['grad_norm/critic'].over).toEqual(series['grad_norm/critic'].count)
    expect(series['grad_norm/generator'].over).toEqual([0, 0, 0, 0])
    await call('PATCH', '/runs/gan', { status: 'finished' })
    expect((await call('GET', '/findings?run=gan')).body.findings).toMatchObject([
      { part: 'critic', state: 'closed', close_reason: 'run_finished' },
    ])
  })

  it('ends with its findings when the patch that ends it names its parts, changed or not', async () => {
    const { call } = await startApp()
    for (const [run, max_norm] of [
      ['same', 1],
      ['other', 2],
    ] as const) {
      await call('PUT', `/runs/${run}`, { parts: { generator: cap(1), critic: cap(1) } })
      await call('POST', `/runs/${run}/points`, { columns: gan(400) })
      const patch = { status: 'finished', parts: { critic: cap(max_norm) } }
      expect((await call('PATCH', `/runs/${run}`, patch)).body).toMatchObject({
        status: 'finished',
        health: 'flagged',
        parts: [{}, { name: 'critic', ...cap(max_norm) }],
      })
      expect((await call('GET', `/findings?run=${run}`)).body.findings).toMatchObject([
        { part: 'critic', close_reason: 'run_finished' },
      ])
    }
  })

  it('is tried with other caps, compared and previewed by one of its parts', async () => {
    const { call } = await startApp()
    for (const run of ['one', 'two']) {
      await call('PUT', `/runs/${run}`, { parts: { generator: cap(1), critic: cap(1) } })
      await call('POST', `/runs/${run}/points`, { columns: gan(400) })
    }
    const caps = (await call('GET', '/runs/one/caps?part=critic&cap=1&cap=100')).body
    expect(caps).toMatchObject({ steps: 400, curve: [{ clip_rate: 1 }, { clip_rate: 0 }] })
    expect((await call('GET', '/runs/one/caps?cap=1')).body.steps).toBe(0)
    const { runs } = (await call('GET', '/compare?run=one&run=two&part=critic')).body
    expect(runs).toMatchObject([{ clip_rate: 1, final_loss: expect.closeTo(2, 0) }, { clip_rate: 1 }])
    const ofGenerator = (await call('GET', '/compare?run=one&part=generator')).body.runs[0]
    expect(ofGenerator).toMatchObject({ clip_rate: 0, norm_quantiles: { p50: expect.closeTo(0.05, 1) } })
    const preview = (part: string) => call('POST', `/runs/one/preview?part=${part}`, {})
    expect((await preview('generator')).body).toMatchObject({ health: 'ok', findings: [] })
    expect((await preview('critic')).body).toMatchObject({
      health: 'flagged',
      findings: [{ part: 'critic', kind: 'clip_saturated' }],
      conditions: [{ part: 'critic' }],
    })
    for (const path of ['/runs/one/caps?part=actor', '/compare?run=one&part=actor']) {
      const { status, body } = await call('GET', path)
      expect({ status, code: body.error.code }).toEqual({ status: 404, code: 'part_not_found' })
      expect(body.error.message).toBe('The run "one" has no part "actor".')
    }
  })

  it('is named in messages with how it clips, told live, and has figures of its own', async () => {
    const { call, services, listen, inject } = await startApp()
    const live = await liveClient(await listen())
    await services.store.channels.create(aChannel())
    await call('PUT', '/runs/gan', { ...cap(5), parts: { generator: cap(1), critic: cap(2) } })
    live.send({ type: 'watch', run: 'gan' })
    await live.until(isType('run'))
    await call('POST', '/runs/gan/points', { columns: gan(400) })
    const found = await live.until(isType('finding'))
    expect(found).toMatchObject({ finding: { part: 'critic', kind: 'clip_saturated' } })
    const claim = { now: Date.now() + 1, leaseMs: 1_000, limit: 1, except: [] }
    const [delivery] = await services.store.deliveries.claim(claim)
    const { events } = messageOf('msg_1', delivery?.events ?? [], 'http://127.0.0.1')
    expect(events[0]).toMatchObject({
      finding: { part: 'critic' },
      run: { ...cap(2), clipping: { rate: 1 } },
    })
    expect(headline(events[0])).toMatch(/^Clipping .*saturated in critic: gan \(default\)$/)
    expect(figures(events[0])).toContainEqual(['Part', 'critic'])
    const { text } = await inject({ url: '/metrics' })
    expect(text).toContain('normwatch_run_flagged{run="gan",project="default"} 1')
    expect(text).toContain('normwatch_run_flagged{run="gan",project="default",part="generator"} 0')
    expect(text).toContain('normwatch_run_clip_rate{run="gan",project="default",part="critic"} 1')
  })

  it('is called stalled as one run, and is well again whichever part goes on', async () => {
    let now = 1_764_000_400_000
    const { call, services } = await startApp({ now: () => now })
    await call('PUT', '/runs/gan', { parts: { generator: cap(1), critic: cap(100) } })
    await call('POST', '/runs/gan/points', { columns: gan(400) })
    now += 3_600_000
    await services.ingest.noticeSilence(0)
    const silent = (await call('GET', '/runs/gan')).body
    expect(silent).toMatchObject({ health: 'flagged', conditions: [{ part: null, kind: 'stalled' }] })
    await call('POST', '/runs/gan/points', { points: [{ step: 400, 'grad_norm/critic': 20 }] })
    expect((await call('GET', '/runs/gan')).body).toMatchObject({ health: 'ok', conditions: [] })
  })

  it('goes on after a restart as if there had been none', async () => {
    const folder = await tempFolder()
    const columns = gan(400)
    const cut = (from: number, to: number) =>
      Object.fromEntries(Object.entries(columns).map(([name, list]) => [name, list.slice(from, to)]))
    const first = await startApp({ folder })
    for (const run of ['cut', 'whole']) {
      await first.call('PUT', `/runs/${run}`, { parts: { generator: cap(1), critic: cap(20) } })
    }
    await first.call('POST', '/runs/whole/points', { columns })
    await first.call('POST', '/runs/cut/points', { columns: cut(0, 230) })
    await first.app.close()
    await first.services.store.close()
    const { call } = await startApp({ folder })
    await call('POST', '/runs/cut/points', { columns: cut(230, 400) })
    const [one, other] = await Promise.all(
      ['cut', 'whole'].map(async (run) => (await call('GET', `/runs/${run}`)).body),
    )
    expect({ health: one.health, parts: one.parts }).toEqual({ health: other.health, parts: other.parts })
  })

  it('has the parts whose gradients are logged, declared or not; those of a run that has a past are judged from its start', async () => {
    const { call } = await startApp()
    await call('PUT', '/runs/a', {})
    const step = steps(100)
    await call('POST', '/runs/a/points', { columns: { step, loss: step.map(() => 1), 'loss/val': step } })
    expect((await call('GET', '/runs/a')).body.parts).toEqual([])
    const later = steps(100, 100)
    await call('POST', '/runs/a/points', {
      columns: { step: later, 'grad_norm/actor': later.map(() => 'NaN'), loss: later.map(() => 1) },
    })
    await expect.poll(async () => (await call('GET', '/runs/a')).body.health).toBe('flagged')
    const { parts, conditions } = (await call('GET', '/runs/a')).body
    expect(parts).toMatchObject([
      { name: 'actor', clip: { mode: 'none', max_norm: null }, health: 'flagged' },
    ])
    expect(conditions).toMatchObject([{ part: 'actor', kind: 'nonfinite', since_step: 100 }])
  })

  it('is judged again when the cap of a part is edited', async () => {
    const { call } = await startApp()
    await call('PUT', '/runs/gan', { parts: { generator: cap(1), critic: cap(1) } })
    await call('POST', '/runs/gan/points', { columns: gan(400) })
    const run = (await call('PATCH', '/runs/gan', { parts: { critic: cap(100) } })).body
    expect(run.health).toBe('ok')
    expect(run.parts).toMatchObject([
      { name: 'generator', ...cap(1) },
      { name: 'critic', ...cap(100), health: 'ok', clipping: { rate: 0, rate_total: 0 } },
    ])
    expect((await call('GET', '/findings?run=gan')).body.findings).toMatchObject([
      { part: 'critic', close_reason: 'settings_changed' },
    ])
  })

  it('has at most 16 parts of names that fit; what is over is refused and not stored', async () => {
    const { call } = await startApp()
    await call('PUT', '/runs/a', {})
    const norms = Object.fromEntries(steps(17).map((i) => [`grad_norm/p${i}`, [1]]))
    const refused = await call('POST', '/runs/a/points', { columns: { step: [0], ...norms } })
    expect(refused).toMatchObject({ status: 413, body: { error: { code: 'too_many_metrics' } } })
    expect(refused.body.error.message).toBe('A run has at most 16 parts; this makes it 17.')
    expect((await call('GET', '/runs/a')).body).toMatchObject({ points: 0, parts: [] })
    for (const name of ['a/b', '', 'x'.repeat(65), 'a\n']) {
      const { status, body } = await call('PUT', '/runs/a', { parts: { [name]: {} } })
      expect({ status, code: body.error.code }).toEqual({ status: 400, code: 'run_invalid' })
    }
    const badCap = await call('PUT', '/runs/a', { parts: { actor: cap(-1) } })
    expect(badCap.body.error.details[0].path).toMatch(/^\/parts\/actor\/clip/)
  })

  it.each([0, -1, 'NaN', '-Infinity'])('refuses %s as the cap of a step, naming the field', async (bad) => {
    const { call } = await startApp()
    await call('PUT', '/runs/a', {})
    const inRow = await call('POST', '/runs/a/points', { points: [{ step: 3, grad_norm: 1, max_norm: bad }] })
    expect(inRow).toMatchObject({ status: 400, body: { error: { code: 'points_invalid' } } })
    expect(inRow.body.error.details[0].path).toBe('/points/0/max_norm')
    const columns = { step: [3, 4], 'max_norm/critic': [1, bad] }
    const inColumn = await call('POST', '/runs/a/points', { columns })
    expect(inColumn.body.error.details[0].path).toBe('/columns/max_norm~1critic/1')
    expect((await call('GET', '/runs/a')).body.points).toBe(0)
  })

  it('takes Infinity for no cap at this step, and a cap of one step for that step alone', async () => {
    const { call } = await startApp()
    await call('PUT', '/runs/a', { clip: { mode: 'norm', max_norm: 1 } })
    const columns = {
      step: [0, 1, 2, 3],
      grad_norm: [5, 5, 5, 0.5],
      max_norm: ['Infinity', 10, null, null],
    }
    await call('POST', '/runs/a/points', { columns })
    expect((await call('GET', '/runs/a')).body.clipping).toMatchObject({ rate: 0.25, rate_total: 0.25 })
  })
})

describe('folding the parts of a run', () => {
  const norm = fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: 0.01, max: 4, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom<number | string>('NaN', 'Infinity', 1e4, 0) },
    { weight: 1, arbitrary: fc.constant(null) },
  )
  const stream = fc.record({
    grad_norm: fc.array(norm, { minLength: 1, maxLength: 60 }),
    own_loss: fc.option(fc.array(norm, { minLength: 1, maxLength: 20 })),
    max_norm: fc.option(fc.constantFrom(0.5, 1, 2)),
    every: fc.constantFrom(1, 1, 2, 5),
  })
  const cut = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 })

  it('gives exactly what as many runs would have given', { timeout: 60_000 }, async () => {
    const { call } = await startApp()
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        stream,
        stream,
        fc.array(norm, { minLength: 1, maxLength: 20 }),
        cut,
        async (a, b, loss, cuts) => {
          const prefix = `r${round++}`
          const step = steps(240)
          const wide = { step, time: times(step), loss: step.map((at) => loss[at % loss.length] ?? null) }
          const own = ({ grad_norm, own_loss, every }: typeof a) => ({
            grad_norm: step.map((at) =>
              at % every === 0 ? (grad_norm[at % grad_norm.length] ?? null) : null,
            ),
            ...(own_loss && { loss: step.map((at) => own_loss[at % own_loss.length] ?? 1) }),
          })
          const clipOf = ({ max_norm }: typeof a) => (max_norm === null ? {} : cap(max_norm))
          const parts = { a, b }
          const both: Columns = { ...wide }
          for (const [name, part] of Object.entries(parts)) {
            for (const [metric, column] of Object.entries(own(part))) both[`${metric}/${name}`] = column
          }
          await call('PUT', `/runs/${prefix}`, { parts: { a: clipOf(a), b: clipOf(b) } })
          await send(call, prefix, both, cuts)
          for (const [name, part] of Object.entries(parts)) {
            await call('PUT', `/runs/${prefix}-${name}`, clipOf(part))
            await send(call, `${prefix}-${name}`, { ...wide, ...own(part) }, cuts)
          }
          for (const name of ['a', 'b']) {
            const alone = (await call('GET', `/runs/${prefix}-${name}`)).body
            const run = (await call('GET', `/runs/${prefix}`)).body
            const part = run.parts.find((one: { name: string }) => one.name === name)
            expect(part).toMatchObject({ health: alone.health, clipping: alone.clipping })
            expect(told(run.conditions, name)).toEqual(told(alone.conditions, null))
            const ofPart = (await call('GET', `/findings?run=${prefix}&limit=1000`)).body.findings
            const ofRun = (await call('GET', `/findings?run=${prefix}-${name}&limit=1000`)).body.findings
            expect(told(ofPart, name)).toEqual(told(ofRun, null))
          }
        },
      ),
      { numRuns: Number(process.env['FC_RUNS'] ?? 12) },
    )
  })
})

async function send(
  call: Awaited<ReturnType<typeof startApp>>['call'],
  run: string,
  columns: Columns,
  cuts: readonly number[],
): Promise<void> {
  const { length } = columns['step'] as unknown[]
  for (let from = 0, i = 0; from < length; i++) {
    const to = from + (cuts[i % cuts.length] as number)
    const part = Object.fromEntries(
      Object.entries(columns).map(([name, list]) => [name, list.slice(from, to)]),
    )
    expect((await call('POST', `/runs/${run}/points`, { columns: part })).status).toBe(200)
    from = to
  }
}

/** What findings or conditions of one part say, without their ids and in the order of their text. */
/** What is looked up around an onset comes later, and knows of the other part. */
const LATER = { explained: 0, moved: 0, layers: 0, sibling: 0 }

function told(list: { part: string | null }[], part: string | null): string[] {
  return list
    .filter((one) => one.part === part)
    .map((one) => JSON.stringify({ ...one, ...LATER, id: 0, finding: 0, run: 0, part: 0 }))
    .sort()
}
