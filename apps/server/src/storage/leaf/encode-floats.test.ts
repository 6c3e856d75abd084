import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'
import { readShuffled, readShuffledFrom, writeShuffled } from './encode-floats.ts'

const bitsOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array) =>
  new Uint8Array(buffer, byteOffset, byteLength)

it('gives back any numbers to the bit, wherever their bytes begin, and touches nothing beside them', () => {
  const oneForm = fc.constantFrom(Float32Array, Float64Array)
  fc.assert(
    fc.property(
      oneForm,
      fc.array(fc.double(), { maxLength: 70 }),
      fc.nat({ max: 7 }),
      (Form, list, before) => {
        const numbers = Form.from(list)
        const writer = new ByteWriter()
        writer.room(before)
        writeShuffled(writer, numbers)
        const reader = new ByteReader(writer.take())
        reader.take(before)
        const room = new Form(numbers.length + 2).fill(7)
        const back = room.subarray(1, numbers.length + 1)
        readShuffled(reader, back)
        expect(bitsOf(back)).toEqual(bitsOf(numbers))
        expect([room[0], room.at(-1)]).toEqual([7, 7])
        expect(reader.isAtEnd).toBe(true)
      },
    ),
  )
})

it('gives back any part of them', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(Float32Array, Float64Array),
      fc.array(fc.double(), { maxLength: 70 }),
      fc.nat({ max: 70 }),
      fc.nat({ max: 70 }),
      (Form, list, one, other) => {
        const numbers = Form.from(list)
        const writer = new ByteWriter()
        writeShuffled(writer, numbers)
        const some = numbers.slice(Math.min(one, other), Math.max(one, other))
        const back = new Form(some.length)
        readShuffledFrom(writer.take(), Math.min(one, other), back)
        expect(bitsOf(back)).toEqual(bitsOf(some))
      },
    ),
  )
})
