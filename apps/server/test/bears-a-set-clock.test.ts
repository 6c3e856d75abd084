import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { ensureFaketime } from '../../../scripts/faketime.ts'
import { startReceiver } from './alerts-receiver.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

const library = ensureFaketime()
const token = `nw_${'a'.repeat(43)}`
const authorization = `Bearer ${token}`

/** A server whose clock `setBy` moves by so many seconds, while it runs. */
async function startWithClock(flags: readonly string[]) {
  const folder = await tempFolder()
  const clock = join(folder, 'clock')
  const setBy = (seconds: string) => writeFile(clock, seconds)
  await setBy('+0')
  const { url } = await startServer(join(folder, 'data'), flags, {
    NORMWATCH_TOKEN: token,
    LD_PRELOAD: library as string,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  })
  const call = async (method: string, path: string, body?: object) => {
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
      headers,
    })
    expect(response.ok).toBe(true)
  }
  return { url, setBy, call }
}

describe.skipIf(library === undefined)('a clock that is set back by two hours', { timeout: 120_000 }, () => {
  it('locks nobody out', async () => {
    const { url, setBy } = await startWithClock(['--max-requests', '20'])
    const ask = () => fetch(`${url}/api/v1/runs`, { headers: { authorization, connection: 'close' } })
    const serverTime = async () => Date.parse((await ask()).headers.get('date') ?? '')
    const before = await serverTime()
    await setBy('-7200')
    const began = performance.now()
    for (let i = 0; i < 60; i++) expect((await ask()).status).toBe(200)
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(await serverTime()).toBeLessThan(before - 3_600_000)
  })

  it('keeps no alert waiting', async () => {
    const { received, url: hook } = await startReceiver()
    const flags = ['--webhook-allow', '127.0.0.0/8', '--group-seconds', '5']
    const { setBy, call } = await startWithClock(flags)
    await call('POST', '/channels', { kind: 'webhook', name: 'hook', url: hook })
    await call('PUT', '/runs/run', { clip: { mode: 'norm', max_norm: 1 } })
    const columns = { step: Array.from({ length: 60 }, (_, i) => i), grad_norm: Array<number>(60).fill(5) }
    await call('POST', '/runs/run/points', { columns })
    await setBy('-7200')
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 60_000, interval: 100 })
  })
})
