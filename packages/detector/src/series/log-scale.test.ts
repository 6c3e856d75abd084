import { expect, it } from 'vitest'
import { roundedLog, toLog } from './log-scale.ts'

const word = new Uint32Array(2)
const number = new Float64Array(word.buffer)

it('gives the rounded logarithm for every beginning of a mantissa, at both ends of what begins so', () => {
  const wrong: number[] = []
  for (const exponent of [1, 1022, 1023, 1030, 2046]) {
    for (let mantissa = 0; mantissa < 1 << 20; mantissa += exponent === 1023 ? 1 : 7) {
      word[1] = exponent * (1 << 20) + mantissa
      for (const low of [0, 0xffffffff]) {
        word[0] = low
        const value = number[0] as number
        if (toLog(value) !== roundedLog(value)) wrong.push(value)
      }
    }
  }
  expect(wrong).toEqual([])
})

it.each([0, -0, -1, 5e-324, 2.2e-308, Number.MAX_VALUE, 1, 2 ** (0.5 / 4096), 2 ** (-0.5 / 4096)])(
  'gives the rounded logarithm of %s',
  (value) => expect(toLog(value)).toBe(roundedLog(value)),
)
