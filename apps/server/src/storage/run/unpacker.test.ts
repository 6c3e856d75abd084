import { expect, it } from 'vitest'
import { Leaf } from '../leaf/leaf.ts'
import { encodeBlock, unpacked } from './leaves.ts'
import { Unpacker, type PackedReadings } from './unpacker.ts'

/** A leaf of 1,024 steps whose metric 3 has these readings. */
function packed(reading: (row: number) => number): PackedReadings {
  const leaf = new Leaf({ start: 0, exponent: 10 }, 1024)
  leaf.count = 1024
  for (let row = 0; row < leaf.count; row++) leaf.step[row] = row
  leaf.time.fill(NaN)
  leaf.columns.set(3, {
    values: Float64Array.from({ length: 1024 }, (_, row) => reading(row)),
    present: null,
  })
  return { start: 0, blobs: [encodeBlock(leaf, 0, [3]).columns], metric: 3 }
}

it('unpacks in a thread what it is given, in that order, and says when it cannot take more', async () => {
  const unpacker = new Unpacker()
  const all = [1, 2, 3].map((i) => packed((row) => Math.sin(i * row)))
  const replies = all.map((one) => unpacker.unpack(one))
  expect(unpacker.takesPage()).toBe(false)
  expect(await Promise.all(replies)).toEqual(all.map(unpacked))
  expect(unpacker.takesPage()).toBe(true)
})

it('gives back what is damaged, and unpacks what follows', async () => {
  const unpacker = new Unpacker()
  const whole = packed((row) => row)
  const damaged = packed((row) => row / 7)
  damaged.blobs[0]?.fill(0, 20, 30)
  const replies = await Promise.all([whole, damaged, whole].map((one) => unpacker.unpack(one)))
  expect(replies).toEqual([unpacked(whole), undefined, unpacked(whole)])
})

it('takes pages once there have been many, and its thread has started', async () => {
  const unpacker = new Unpacker()
  const taken = Array.from({ length: 200 }, () => unpacker.takesPage())
  expect(taken).not.toContain(true)
  await expect.poll(() => unpacker.takesPage(), { timeout: 30_000 }).toBe(true)
  unpacker.close()
  expect(unpacker.takesPage()).toBe(false)
})
