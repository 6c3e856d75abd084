import { describe, expect, it } from 'vitest'
import { isType, liveClient, pointsOf } from './live-client.ts'
import { startApp, type TestApp } from './start-app.ts'

const point = (step: number, more: object = {}) => ({
  points: [{ step, grad_norm: step / 10, loss: 1, ...more }],
})

async function watchedRun(watch: object = {}) {
  const app = await startApp()
  const url = await app.listen()
  await app.call('PUT', '/runs/r', { project: 'p', clip: { mode: 'norm', max_norm: 1 } })
  const client = await liveClient(url)
  client.send({ type: 'watch', run: 'r', ...watch })
  await client.until(isType('run'))
  return { ...app, app, url, client }
}

async function post({ call }: TestApp, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) await call('POST', '/runs/r/points', point(step))
}

describe('a reader of a run', () => {
  it('gets the run as it is, then every point that comes, in order', async () => {
    const { app, client } = await watchedRun()
    expect(client.frames[0]).toMatchObject({ type: 'run', run: { id: 'r', points: 0 } })
    await post(app, 0, 50)
    await client.until((frame) => frame.type === 'points' && frame.columns.step.includes(49))
    const points = pointsOf(client.frames, 'grad_norm')
    expect([...points.keys()]).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect(points.get(7)).toBe(0.7)
    const seqs = client.frames.flatMap((frame) => ('seq' in frame ? [frame.seq] : []))
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  })

  it('gets non-finite readings as what they are, and null where a step has none', async () => {
    const { call, client } = await watchedRun()
    await call('POST', '/runs/r/points', {
      columns: { step: [0, 1, 2], time: [5, 6, 7], grad_norm: ['NaN', null, '-Infinity'], loss: [1, 2, 3] },
    })
    expect((await client.until(isType('points'))).columns).toEqual({
      step: [0, 1, 2],
      time: [5, 6, 7],
      grad_norm: ['NaN', null, '-Infinity'],
      loss: [1, 2, 3],
    })
  })

  it('gets the metrics it asked for, layers only when it asks', async () => {
    const { url, call, client } = await watchedRun()
    const other = await liveClient(url)
    other.send({ type: 'watch', run: 'r', metrics: ['layers/a', 'grad_norm', 'never/logged'] })
    await other.until(isType('run'))
    await call('POST', '/runs/r/points', point(0, { lr: 0.1, layers: { a: 4 } }))
    expect(Object.keys((await client.until(isType('points'))).columns).sort()).toEqual([
      'grad_norm',
      'loss',
      'lr',
      'step',
      'time',
    ])
    expect((await other.until(isType('points'))).columns).toMatchObject({
      step: [0],
      grad_norm: [0],
      'layers/a': [4],
    })
    expect(Object.keys((await other.until(isType('points'))).columns).sort()).toEqual([
      'grad_norm',
      'layers/a',
      'step',
      'time',
    ])
  })

  it('gets findings as they open and close, and the run with them', async () => {
    const { call, client } = await watchedRun()
    await call('POST', '/runs/r/points', { points: [{ step: 0, grad_norm: 'NaN' }] })
    const opened = await client.until(isType('finding'))
    expect(opened.finding).toMatchObject({ run: 'r', kind: 'nonfinite', state: 'open' })
    await client.until((frame) => frame.type === 'run' && frame.run.health === 'flagged')
    await call('PATCH', '/runs/r', { status: 'finished' })
    await client.until((frame) => frame.type === 'finding' && frame.finding.close_reason === 'run_finished')
    await client.until((frame) => frame.type === 'run' && frame.run.status === 'finished')
  })

  it('gets at most 20 frames a second, however fast the points come', async () => {
    const { app, client } = await watchedRun()
    const start = performance.now()
    let step = 0
    while (performance.now() - start < 1500) await post(app, step, (step += 20))
    await client.until((frame) => frame.type === 'points' && frame.columns.step.includes(step - 1))
    const seconds = (performance.now() - start) / 1000
    expect(pointsOf(client.frames, 'loss').size).toBe(step)
    expect(client.frames.length).toBeLessThanOrEqual(Math.ceil(seconds) * 20 + 1)
  })

  it('hears no more after unwatch', async () => {
    const { app, client } = await watchedRun()
    client.send({ type: 'unwatch', run: 'r' })
    client.send({ type: 'watch', run: 'nobody' })
    await client.until(isType('error'))
    await post(app, 0, 3)
    client.send({ type: 'watch', run: 'r' })
    await client.until((frame) => frame.type === 'run' && frame.run.points === 3)
    expect(client.frames.filter(isType('points'))).toEqual([])
  })

  it('is told when the run is truncated, judged again or deleted', async () => {
    const { app, call, client } = await watchedRun()
    await post(app, 0, 10)
    await call('PATCH', '/runs/r', { truncate_after: 4 })
    await client.until((frame) => frame.type === 'gap' && frame.reason === 'truncated')
    await client.until((frame) => frame.type === 'gap' && frame.reason === 'judged_again')
    await call('DELETE', '/runs/r')
    await client.until((frame) => frame.type === 'gap' && frame.reason === 'deleted')
  })
})

describe('a reader that stops reading', () => {
  it('gets a gap instead of a queue once it reads again, and then goes on', async () => {
    const { call, client } = await watchedRun()
    const batch = (first: number) => {
      const step = Array.from({ length: 10_000 }, (_, i) => first + i)
      return { columns: { step, loss: step.map((s) => s / 7) } }
    }
    client.socket.pause()
    for (let i = 0; i < 60; i++) await call('POST', '/runs/r/points', batch(i * 10_000))
    client.socket.resume()
    // where several servers share a database, large batches may also be gone before they are followed
    const reasons = ['slow', 'after_too_old']
    await client.until((frame) => frame.type === 'gap' && reasons.includes(frame.reason))
    expect(pointsOf(client.frames, 'loss').size).toBeLessThan(600_000)
    // a reader that still takes in what was sent may be told of the next point by another gap
    await client.until((frame) => frame.type === 'run' && frame.run.points === 600_000)
    await call('POST', '/runs/r/points', point(700_000))
    await client.until((frame) => frame.type === 'points' && frame.columns.step.includes(700_000))
  })
})

describe('a reader that was away', () => {
  it('gets what it missed when it names the last frame it saw', async () => {
    const { app, url, client } = await watchedRun()
    await post(app, 0, 5)
    const last = await client.until((frame) => frame.type === 'points' && frame.columns.step.includes(4))
    client.socket.terminate()
    await post(app, 5, 25)
    const again = await liveClient(url)
    again.send({ type: 'watch', run: 'r', after: 'seq' in last ? last.seq : 0 })
    await again.until((frame) => frame.type === 'points' && frame.columns.step.includes(24))
    expect(again.frames[0]?.type).toBe('run')
    expect([...pointsOf(again.frames, 'loss').keys()]).toEqual(Array.from({ length: 20 }, (_, i) => i + 5))
    expect(again.frames.filter(isType('gap'))).toEqual([])
  })

  it('is told to fetch again when what it missed is no longer known', async () => {
    const { app, url } = await watchedRun()
    await post(app, 0, 1)
    const reader = await liveClient(url)
    reader.send({ type: 'watch', run: 'r', after: 5 })
    expect(await reader.until(isType('gap'))).toEqual({ type: 'gap', run: 'r', reason: 'after_too_old' })
  })
})

describe('a reader of the list of runs', () => {
  it('hears of runs that are created, change and go, in its project', async () => {
    const { call, client, url } = await watchedRun()
    const all = await liveClient(url)
    all.send({ type: 'watch', runs: {} })
    client.send({ type: 'watch', runs: { project: 'p' } })
    for (const reader of [all, client]) {
      reader.send({ type: 'watch', run: 'nobody' })
      await reader.until(isType('error'))
    }
    await call('PUT', '/runs/other', { project: 'q' })
    await call('PUT', '/runs/mine', { project: 'p' })
    await client.until((frame) => frame.type === 'run' && frame.run.id === 'mine')
    await all.until((frame) => frame.type === 'run' && frame.run.id === 'mine')
    await all.until((frame) => frame.type === 'run' && frame.run.id === 'other')
    await call('POST', '/runs/mine/points', point(0))
    await all.until((frame) => frame.type === 'run' && frame.run.id === 'mine' && frame.run.points === 1)
    await call('DELETE', '/runs/mine')
    await client.until((frame) => frame.type === 'gap' && frame.run === 'mine' && frame.reason === 'deleted')
    expect(client.frames.filter((frame) => frame.type === 'run' && frame.run.id === 'other')).toEqual([])
  })
})

describe('an invalid message', () => {
  it.each([
    'no JSON',
    '',
    'null',
    '[]',
    '{"type": "watch"}',
    '{"type": "watch", "run": "../etc"}',
    '{"type": "watch", "run": "r", "metrics": []}',
    '{"type": "watch", "run": "r", "after": -1}',
    '{"type": "watch", "run": "r", "color": 1}',
    '{"type": "shout"}',
    `{"type": "watch", "run": "${'x'.repeat(1000)}"}`,
  ])('%s is refused, and the socket stays open', async (message) => {
    const { client } = await watchedRun()
    client.send(message)
    expect((await client.until(isType('error'))).code).toBe('frame_invalid')
    client.send({ type: 'watch', run: 'nobody' })
    await client.until((frame) => frame.type === 'error' && frame.code === 'run_not_found')
  })

  it('cuts a socket that goes on talking and never listens', async () => {
    const { client } = await watchedRun()
    const closed = new Promise((resolve) => client.socket.once('close', resolve))
    client.socket.pause()
    const talk = () => {
      for (let i = 0; i < 2000; i++) if (client.socket.readyState === 1) client.send('not JSON')
      if (client.socket.readyState === 1) setImmediate(talk)
      else client.socket.resume()
    }
    client.socket.on('error', () => undefined)
    talk()
    await closed
  })

  it('closes a socket that sends more than 64 KiB at once', async () => {
    const { client } = await watchedRun()
    const closed = new Promise<number>((resolve) => client.socket.once('close', resolve))
    client.send('x'.repeat(65 * 1024))
    expect(await closed).toBe(1009)
  })

  it('lets a socket watch 64 runs', async () => {
    const { call, client } = await watchedRun()
    for (let i = 0; i < 64; i++) {
      await call('PUT', `/runs/r${i}`, {})
      client.send({ type: 'watch', run: `r${i}` })
    }
    expect((await client.until(isType('error'))).code).toBe('too_many_watches')
    expect(new Set(client.frames.flatMap((frame) => (frame.type === 'run' ? [frame.run.id] : []))).size).toBe(
      64,
    )
  })

  it('lets a socket watch 64 lists of projects, and another again after an unwatch', async () => {
    const { client } = await watchedRun()
    client.send({ type: 'unwatch', run: 'r' })
    for (let i = 0; i < 64; i++) client.send({ type: 'watch', runs: { project: `p${i}` } })
    client.send({ type: 'watch', runs: { project: 'one more' } })
    expect((await client.until(isType('error'))).code).toBe('too_many_watches')
    client.send({ type: 'unwatch', runs: { project: 'p0' } })
    client.send({ type: 'watch', runs: { project: 'one more' } })
    client.send({ type: 'watch', run: 'r' })
    await client.until(() => client.frames.filter(isType('error')).length === 2)
  })

  it('answers messages, bad ones too, 128 at once and then 32 a second, and cuts a socket with more under way', async () => {
    const { client } = await watchedRun()
    const errors = () => client.frames.filter(isType('error')).length
    for (let i = 0; i < 120; i++) client.send('not JSON')
    await client.until(() => errors() === 120)
    const began = performance.now()
    for (let i = 0; i < 40; i++) client.send('not JSON')
    await client.until(() => errors() === 160)
    expect(performance.now() - began).toBeGreaterThan(500)
    const closed = new Promise<number>((resolve) => client.socket.once('close', resolve))
    for (let i = 0; i < 200; i++) client.send('not JSON')
    expect(await closed).toBe(1008)
  })
})
