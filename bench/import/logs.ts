import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { maskedCrc } from '../../packages/importers/src/formats/tensorboard/masked-crc.ts'

const loss = (step: number): number => 2 + Math.sin(step)
const norm = (step: number): number => 1 + Math.cos(step) / 2

export const jsonLine = (step: number): string =>
  `{"step": ${step}, "loss": ${loss(step).toFixed(4)}, "grad_norm": ${norm(step).toFixed(4)}, "lr": 0.001}\n`

/** Writes `points` pieces, made by `piece`, a thousand at a time. */
async function writePieces(
  path: string,
  points: number,
  piece: (step: number) => Uint8Array | string,
): Promise<void> {
  const file = createWriteStream(path)
  for (let step = 0; step < points; step += 1000) {
    const pieces = Array.from({ length: 1000 }, (_, i) => Buffer.from(piece(step + i)))
    if (!file.write(Buffer.concat(pieces))) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}

export const writeJsonLines = (path: string, points: number): Promise<void> =>
  writePieces(path, points, jsonLine)

/** A record of one scalar, as TensorBoard's writer writes it. */
export function scalarEvent(step: number, tag: string, value: number): Buffer {
  const number = Buffer.alloc(4)
  number.writeFloatLE(value)
  const inner = Buffer.concat([bytesField(1, Buffer.from(tag)), Buffer.from([0x15]), number])
  const time = Buffer.alloc(8)
  time.writeDoubleLE(1.7e9 + step)
  const event = Buffer.concat([
    Buffer.from([0x09]),
    time,
    Buffer.from([0x10, ...varint(step)]),
    bytesField(5, bytesField(1, inner)),
  ])
  return framed(event)
}

/** An event file with a record for each scalar of each step. */
export function writeEventFile(path: string, points: number): Promise<void> {
  return writePieces(path, points, (step) =>
    Buffer.concat([
      scalarEvent(step, 'train/loss', loss(step)),
      scalarEvent(step, 'train/grad_norm', norm(step)),
      scalarEvent(step, 'train/lr', 0.001),
    ]),
  )
}

function framed(record: Buffer): Buffer {
  const header = Buffer.alloc(12)
  header.writeBigUInt64LE(BigInt(record.length))
  header.writeUInt32LE(maskedCrc(header.subarray(0, 8)), 8)
  const footer = Buffer.alloc(4)
  footer.writeUInt32LE(maskedCrc(record))
  return Buffer.concat([header, record, footer])
}

function bytesField(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2, ...varint(bytes.length)]), bytes])
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return [...bytes, value]
}

/** Posts the points of such a log in full requests, one at a time. Prepares the next request while one is being sent. */
export async function postReadyMade(url: string, run: string, points: number): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const clip = { clip: { mode: 'norm', max_norm: 1 } }
  await fetch(`${url}/api/v1/runs/${run}`, { method: 'PUT', headers, body: JSON.stringify(clip) })
  const size = 10_000
  let travelling: Promise<Response> | undefined
  for (let from = 0; from < points; from += size) {
    const step = Array.from({ length: size }, (_, i) => from + i)
    const columns = { step, loss: step.map(loss), grad_norm: step.map(norm), lr: step.map(() => 0.001) }
    const body = JSON.stringify({ columns })
    await read(travelling)
    travelling = fetch(`${url}/api/v1/runs/${run}/points`, { method: 'POST', headers, body })
  }
  await read(travelling)
}

async function read(reply: Promise<Response> | undefined): Promise<void> {
  const response = await reply
  if (response === undefined) return
  if (!response.ok) throw new Error(`the server answers ${response.status}: ${await response.text()}`)
  await response.text()
}
