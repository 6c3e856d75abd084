/** The program of the thread behind `Unpacker`: says that it has started, then answers each message, in their order. */
import { parentPort } from 'node:worker_threads'
import { readingsIn } from './blob.ts'
import { encodeStretch } from './stretches.ts'
import type { PackedReadings, StretchPages } from './unpacker.ts'

const port = parentPort as NonNullable<typeof parentPort>

port.on('message', (question: PackedReadings | StretchPages) => {
  try {
    if ('pages' in question) {
      port.postMessage(encodeStretch(question.pages, question.kind))
      return
    }
    const readings = readingsIn(question.blobs, question.metric)
    port.postMessage(readings, [readings.buffer as ArrayBuffer])
  } catch {
    // whoever asked finds the damage by himself
    port.postMessage(undefined)
  }
})
port.postMessage(undefined)
