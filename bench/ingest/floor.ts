/**
 * The lower bound for ingest: the same stack without the product. Fastify parses the same JSON. Each column is checked to be
 * numbers and appended as float64 to one file. The answer is sent after a grouped fdatasync. Started like the server:
 * `node floor.ts --port PORT --data FOLDER`.
 */
import { fdatasync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Fastify from 'fastify'

const { port, data } = parseArgs({ options: { port: { type: 'string' }, data: { type: 'string' } } }).values
if (port === undefined || data === undefined) throw new Error('usage: floor.ts --port PORT --data FOLDER')
mkdirSync(data, { recursive: true })
const file = openSync(join(data, 'floor'), 'a')

let waiting: (() => void)[] = []
let isSyncing = false

/** Resolves when everything written so far is on the disk. All waiting requests share one sync. */
function durable(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (!isSyncing) setImmediate(sync)
  })
}

function sync(): void {
  if (isSyncing || waiting.length === 0) return
  const these = waiting
  waiting = []
  isSyncing = true
  fdatasync(file, (error) => {
    if (error) throw error
    isSyncing = false
    for (const resolve of these) resolve()
    sync()
  })
}

function floats(column: unknown): Float64Array {
  if (!Array.isArray(column) || !column.every((value) => typeof value === 'number'))
    throw new Error('a column is not numbers')
  return Float64Array.from(column)
}

const app = Fastify({ bodyLimit: 8 * 2 ** 20 })
app.get('/', () => 'the floor')
app.put('/api/v1/runs/:id', () => ({}))
app.post<{ Body: { columns: Record<string, unknown> } }>('/api/v1/runs/:id/points', async (request) => {
  const columns = Object.values(request.body.columns).map(floats)
  for (const column of columns) writeSync(file, column)
  await durable()
  return { accepted: columns[0]?.length }
})
console.log(await app.listen({ port: Number(port), host: '127.0.0.1' }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close())
