import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerProcess } from '../server-process.ts'
import { LiveReader } from './live-reader.ts'

const READERS = 20
const STEPS = 2000
const METRICS = 8
const SECONDS = 10

/** The cost of readers that stop reading: the server's memory with readers that read, and with as many that do not. */
export async function stoppedReaders(server: ServerProcess) {
  await server.put('wide', {})
  const reading = await memoryWith(server, 0, () => undefined)
  const stopped = await memoryWith(server, SECONDS * 10 * STEPS, (reader) => reader.stopReading())
  return {
    readers: READERS,
    /** How much each reader would have received. */
    megabytesPosted: Math.round((stopped.characters / 2 ** 20) * 10) / 10,
    whileTheyRead: reading.megabytes,
    whileTheyDoNot: stopped.megabytes,
    /** A reader that keeps reading while the others do not. */
    readerBeside: stopped.beside,
  }
}

async function memoryWith(server: ServerProcess, from: number, prepare: (reader: LiveReader) => void) {
  const readers = await Promise.all(
    Array.from({ length: READERS }, () => LiveReader.open(server.port, ['wide'])),
  )
  const beside = await LiveReader.open(server.port, ['wide'])
  await sleep(500)
  readers.forEach(prepare)
  const before = server.megabytes
  let most = before
  let characters = 0
  for (let batch = 0; batch < SECONDS * 10; batch++) {
    const columns = wideBatch(from + batch * STEPS)
    characters += JSON.stringify(columns).length
    await Promise.all([server.post('wide', columns), sleep(100)])
    most = Math.max(most, server.megabytes)
  }
  await sleep(1000)
  const after = server.megabytes
  const told = new Set(beside.arrivals('wide').flatMap(({ steps }) => [...steps]))
  for (const reader of [...readers, beside]) reader.close()
  return {
    characters,
    megabytes: { before, most, after },
    beside: { stepsPosted: SECONDS * 10 * STEPS, stepsTold: told.size, gaps: beside.gaps },
  }
}

function wideBatch(first: number): Record<string, readonly number[]> {
  const step = Array.from({ length: STEPS }, (_, i) => first + i)
  const names = Array.from({ length: METRICS }, (_, metric) => `metric_${metric}`)
  return { step, ...Object.fromEntries(names.map((name, i) => [name, step.map((at) => Math.sin(at + i))])) }
}
