import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeNumber, encodeColumn, encodeNumber } from '@normwatch/protocol'

interface NumbersFixture {
  encode: { name: string; float64: string; wire: unknown }[]
  refused: unknown[]
}
const { encode, refused } = JSON.parse(
  readFileSync(new URL('../fixtures/numbers.json', import.meta.url), 'utf8'),
) as NumbersFixture

/** The float64 of 16 hexadecimal digits. */
function float64(digits: string): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, BigInt(`0x${digits}`))
  return view.getFloat64(0)
}

describe('the number codec', () => {
  it.each(encode)('writes and reads $name', ({ float64: digits, wire }) => {
    const value = float64(digits)
    expect(encodeNumber(value)).toBe(wire)
    expect(decodeNumber(wire)).toBe(value)
    expect(decodeNumber(JSON.parse(JSON.stringify(encodeNumber(value))))).toBe(value)
  })

  it.each(refused.map((value) => [value]))('refuses %j, and repairs nothing', (value) => {
    expect(decodeNumber(value)).toBeUndefined()
  })

  it('brings every float64 through JSON unchanged, but for the sign of zero', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const read = decodeNumber(JSON.parse(JSON.stringify(encodeNumber(value))))
        expect(read).toBe(value === 0 ? 0 : value)
      }),
    )
  })

  it('marks the steps without a reading with null', () => {
    expect(encodeColumn([1, NaN, 3], [1, 1, 0])).toEqual([1, 'NaN', null])
    expect(encodeColumn([1, -Infinity], null)).toEqual([1, '-Infinity'])
    expect(encodeColumn([])).toEqual([])
  })
})
