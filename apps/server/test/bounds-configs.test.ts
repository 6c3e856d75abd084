import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../src/storage/sqlite/engine/database.ts'
import { describe, expect, it } from 'vitest'
import { isType, liveClient } from './live-client.ts'
import { startApp, tempFolder } from './start-app.ts'

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) })

describe('a config that is out of bounds is refused by name and stores nothing', () => {
  it.each([
    ['33 levels deep', nested(33), 'is nested deeper than 32 levels'],
    ['4,400 levels deep', nested(4_400), 'is nested deeper than 32 levels'],
    ['larger than 64 KiB', { text: 'x'.repeat(64 * 1024) }, 'is larger than 64 KiB as JSON'],
  ])('%s', async (_, config, message) => {
    const { call, inject } = await startApp()
    const payload = `{"config": ${asJson(config)}}`
    const headers = { 'content-type': 'application/json' }
    const put = await inject({ method: 'PUT', url: '/api/v1/runs/r', headers, payload })
    expect(put).toMatchObject({
      status: 400,
      body: { error: { code: 'run_invalid', details: [{ path: '/config', message }] } },
    })
    expect((await call('GET', '/runs/r')).status).toBe(404)
    expect((await call('GET', '/runs')).body.runs).toEqual([])
  })
  it('at the bounds it is stored', async () => {
    const { call } = await startApp()
    const config = { deep: nested(31), text: 'x'.repeat(60 * 1024) }
    expect((await call('PUT', '/runs/r', { config })).status).toBe(201)
    expect((await call('GET', '/runs/r')).body.config).toEqual(config)
  })
})

describe('a data folder with configs from before they were bounded', () => {
  it('serves the list, the run, a comparison and a change all the same', async () => {
    const folder = await tempFolder()
    const { call } = await startApp({ folder })
    for (const id of ['deep', 'large', 'usual']) await call('PUT', `/runs/${id}`, { config: { lr: 1 } })
    const file = join(folder, 'normwatch.db')
    expect(existsSync(file)).toBe(true)
    const db = openDatabase(file)
    const save = db.prepare(
      'update run_documents set config = ? where run = (select key from runs where id = ?)',
    )
    save.run('{"a":'.repeat(4_400) + '1' + '}'.repeat(4_400), 'deep')
    save.run(JSON.stringify({ text: 'x'.repeat(1_000_000) }), 'large')
    db.close()
    const list = await call('GET', '/runs?fields=config&sort=name')
    expect(list.body.runs.map(({ config }: { config: unknown }) => config)).toEqual([
      { '…': 'Not shown: nested too deeply.' },
      { '…': 'Not shown: too large for a list.' },
      { lr: 1 },
    ])
    expect((await call('GET', '/runs/deep')).body.config).toEqual({ '…': 'Not shown: nested too deeply.' })
    expect((await call('GET', '/runs/large')).text.length).toBeGreaterThan(1_000_000)
    expect((await call('PATCH', '/runs/deep', { notes: 'seen' })).body.notes).toBe('seen')
    expect((await call('GET', '/compare?run=deep&run=usual')).status).toBe(200)
  })
})

it('lists carry a config only where it is asked for, and frames of the list never', async () => {
  const { call, listen } = await startApp()
  const client = await liveClient(await listen())
  client.send({ type: 'watch', runs: {} })
  await call('PUT', '/runs/r', { config: { lr: 1 } })
  expect((await call('GET', '/runs')).body.runs[0]).not.toHaveProperty('config')
  expect((await call('GET', '/runs?fields=config')).body.runs[0].config).toEqual({ lr: 1 })
  await call('PATCH', '/runs/r', { notes: 'changed' })
  expect((await client.until(isType('run'))).run).not.toHaveProperty('config')
  client.send({ type: 'watch', run: 'r' })
  const whole = await client.until((frame) => frame.type === 'run' && frame.run.config !== undefined)
  expect(whole).toMatchObject({ run: { config: { lr: 1 } } })
})

/** JSON.stringify would overflow the stack on what these tests send. */
function asJson(value: unknown): string {
  let [open, close, rest] = ['', '', value]
  while (typeof rest === 'object' && rest !== null && 'a' in rest) {
    open += '{"a":'
    close += '}'
    rest = rest.a
  }
  return open + JSON.stringify(rest) + close
}
