/** The program of the thread behind `Unpacker`: answers each message, in their order, with the readings in its blobs. */
import { parentPort } from 'node:worker_threads'
import { readingsIn } from './blob.ts'
import type { PackedReadings } from './unpacker.ts'

const port = parentPort as NonNullable<typeof parentPort>

port.on('message', ({ blobs, metric }: PackedReadings) => {
  const readings = readingsOrNone(blobs, metric)
  port.postMessage(readings, readings === undefined ? [] : [readings.buffer as ArrayBuffer])
})

/** Whoever asked finds the damage by himself. */
function readingsOrNone(blobs: readonly Uint8Array[], metric: number) {
  try {
    return readingsIn(blobs, metric)
  } catch {
    return undefined
  }
}
