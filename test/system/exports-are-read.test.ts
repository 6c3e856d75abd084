import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ensurePython } from '../../scripts/python-env.ts'
import { startRealServer } from './real-server.ts'

const NORMWATCH = join(import.meta.dirname, '../../apps/server/src/cli/normwatch.ts')

interface Read {
  readonly columns: string[]
  readonly types: string[]
  readonly rows: (number | string | null)[][]
  readonly scalars: [step: number, time: number, tag: string, value: string][]
}

it('exports a run so that DuckDB and TensorBoard read every reading', { timeout: 300_000 }, async () => {
  const python = ensurePython({
    name: 'readers',
    requirements: join(import.meta.dirname, 'requirements-readers.txt'),
    seesSystem: false,
  })
  const server = await startRealServer()
  const send = async (method: string, path: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${server.url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) })
    expect(reply.ok, await reply.text()).toBe(true)
  }
  await send('PUT', '/runs/toy', { clip: { mode: 'norm', max_norm: 1 } })
  const points = Array.from({ length: 300 }, (_, i) => ({
    step: i * 10_000_000_000,
    time: 1_764_000_000.25 + i,
    grad_norm: i === 7 ? 'NaN' : 0.5 + i / 64,
    ...(i % 3 === 0 ? { 'actor, "kl"': -(i + 1) / 8 } : {}),
    layers: { encoder: i },
  }))
  await send('POST', '/runs/toy/points', { points })
  const run = (format: string, name: string) => {
    const output = join(server.folder, name)
    const args = [NORMWATCH, 'export', 'toy', '--format', format, '--output', output]
    execFileSync(process.execPath, args, { env: { ...process.env, NORMWATCH_URL: server.url } })
    return output
  }
  const parquet = run('parquet', 'toy.parquet')
  const folder = run('tensorboard', 'events')
  const [events = ''] = readdirSync(folder)
  expect(events).toMatch(/^events\.out\.tfevents\.\d+\.normwatch$/)

  const script = join(import.meta.dirname, 'read_exports.py')
  const said = execFileSync(python, [script, parquet, join(folder, events)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const { columns, types, rows, scalars } = JSON.parse(said) as Read
  expect(columns).toEqual(['step', 'time', 'actor, "kl"', 'grad_norm', 'layers/encoder'])
  expect(types).toEqual(['BIGINT', 'DOUBLE', 'DOUBLE', 'DOUBLE', 'DOUBLE'])
  expect(rows).toEqual(
    points.map((point, i) => [
      point.step,
      point.time,
      i % 3 === 0 ? -(i + 1) / 8 : null,
      i === 7 ? 'nan' : point.grad_norm,
      i,
    ]),
  )
  const expected = points.flatMap(({ step, time }, i) => [
    ...(i % 3 === 0 ? [[step, time, 'actor, "kl"', -(i + 1) / 8]] : []),
    [step, time, 'grad_norm', i === 7 ? NaN : 0.5 + i / 64],
    [step, time, 'layers/encoder', i],
  ])
  expect(scalars.map(([step, time, tag, value]) => [step, time, tag, Number(value)])).toEqual(expected)
})
