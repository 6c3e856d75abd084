import type { Readable } from 'node:stream'
import { MAX_BODY_BYTES } from '@normwatch/protocol'
import { Refusal } from '../errors.ts'
import { LONG_BYTES } from './make-way.ts'

/** Milliseconds after which the memory of long bodies is given back. */
const KEPT_MS = 10_000

/** Memory for one long body after the other: fresh memory for each would make V8 collect the whole heap again and again. */
let room: Buffer | undefined
let isLent = false
let givingBack: NodeJS.Timeout | undefined

/**
 * Reads a body of at most `limit` bytes, of which `announced` tells how many there are (NaN: unknown), and does `work` with it.
 * The bytes are only there until the work is done. Throws `Refusal` and what the stream does.
 */
export async function withBody<T>(
  body: Readable,
  announced: number,
  limit: number,
  work: (body: Buffer) => Promise<T>,
): Promise<T> {
  if (announced > limit) throw new Refusal('body_too_large')
  if (!(announced > LONG_BYTES)) return work(await read(body, announced, limit, undefined))
  const isBorrowed = !isLent
  const memory = isBorrowed ? borrow() : Buffer.allocUnsafeSlow(announced)
  try {
    return await work(await read(body, announced, limit, memory))
  } finally {
    if (isBorrowed) giveBack()
  }
}

function borrow(): Buffer {
  isLent = true
  clearTimeout(givingBack)
  return (room ??= Buffer.allocUnsafeSlow(MAX_BODY_BYTES))
}

function giveBack(): void {
  isLent = false
  givingBack = setTimeout(() => (room = undefined), KEPT_MS).unref()
}

/** `memory`: where the body is put, which is as long as announced; else in memory of its own. */
function read(body: Readable, announced: number, limit: number, memory: Buffer | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const onData = (chunk: Buffer) => {
      const at = length
      length += chunk.length
      if (length > limit) end(() => reject(new Refusal('body_too_large')))
      else if (memory === undefined) chunks.push(chunk)
      else chunk.copy(memory, at)
    }
    const onEnd = () =>
      end(() => {
        // Node's parser ends a body where it was announced to end
        if (length !== announced && !Number.isNaN(announced)) reject(new Refusal('request_invalid'))
        else resolve(memory?.subarray(0, length) ?? Buffer.concat(chunks, length))
      })
    // the client is gone, which is no fault of the server
    const onError = (error: Error) => end(() => reject(Object.assign(error, { statusCode: 400 })))
    const end = (settle: () => void) => {
      body.off('data', onData).off('end', onEnd).off('error', onError)
      settle()
    }
    body.on('data', onData).on('end', onEnd).on('error', onError).resume()
  })
}
