import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { withBody } from './read-body.ts'

const MAX = 8 * 1024 * 1024
/** Bytes by which a body is told from the others. */
const bytesOf = (length: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * seed) % 251))

/** Sends the bytes in pieces, one a turn. */
async function send(stream: PassThrough, bytes: Buffer, piece = 50_000): Promise<void> {
  for (let from = 0; from < bytes.length; from += piece) {
    stream.write(bytes.subarray(from, from + piece))
    await nextTurn()
  }
  stream.end()
}

it('reads several bodies at the same time, each as it was sent, for as long as the work with it takes', async () => {
  const lengths = [0, 1, 65_536, 65_537, 300_000, 1_000_000, 70_000]
  await Promise.all(
    lengths.flatMap((length, i) =>
      [length, NaN].map(async (announced) => {
        const stream = new PassThrough()
        const bytes = bytesOf(length, i + 3)
        const read = withBody(stream, announced, MAX, async (body) => {
          for (let turn = 0; turn < 20; turn++) await nextTurn()
          return Buffer.compare(body, bytes)
        })
        await send(stream, bytes)
        expect(await read).toBe(0)
      }),
    ),
  )
})

it('reads one long body after the other', async () => {
  for (const seed of [3, 5, 7]) {
    const stream = new PassThrough()
    const bytes = bytesOf(200_000 - seed, seed)
    const read = withBody(stream, bytes.length, MAX, async (body) => Buffer.from(body))
    await send(stream, bytes)
    expect(Buffer.compare(await read, bytes)).toBe(0)
  }
})

it('refuses what is too long, as soon as that is known', async () => {
  const work = async () => 'done'
  await expect(withBody(new PassThrough(), 101, 100, work)).rejects.toMatchObject({ code: 'body_too_large' })
  const stream = new PassThrough()
  const read = withBody(stream, NaN, 100, work)
  stream.write(bytesOf(101, 3))
  await expect(read).rejects.toMatchObject({ code: 'body_too_large' })
})

it('says that the client is at fault where it goes away', async () => {
  const stream = new PassThrough()
  const read = withBody(stream, 100_000, MAX, async () => 'done')
  stream.write(bytesOf(50_000, 3))
  stream.destroy(new Error('aborted'))
  await expect(read).rejects.toMatchObject({ message: 'aborted', statusCode: 400 })
})
