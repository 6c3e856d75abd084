import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytes, count, counted, digitsFor, figure, group, multiple, percent } from '#lib/format/number.ts'

const plain = (text: string) => text.replaceAll('\u202f', ' ')

describe('figure', () => {
  it.each([
    [0, '0'],
    [1.7345, '1.73'],
    [2, '2'],
    [0.03125, '0.0313'],
    [123.4, '123'],
    [65536, '65536'],
    [-0.5, '−0.5'],
    [4.2e-7, '4.2e-7'],
    [1e-4, '1e-4'],
    [3.2e7, '3.2e7'],
    [1.23e-10, '1.23e-10'],
    [4.56e10, '4.56e10'],
    [1e100, '1e100'],
    [NaN, 'NaN'],
    [Infinity, '+Inf'],
    [-Infinity, '−Inf'],
  ])('writes %f as %s', (value, text) => expect(figure(value)).toBe(text))
})

describe('the digits of neighbours', () => {
  it.each([
    [3.289, 0.002, ['3.281', '3.283']],
    [3.4, 0.5, ['3', '3.5']],
    [65_560, 20, ['65520', '65540']],
    [1_000_200, 100, ['1.0001e6', '1.0002e6']],
  ])('tell numbers up to %f apart that are %f from each other', (largest, distance, texts) => {
    const digits = digitsFor(largest, distance)
    expect(texts.map((text) => figure(Number(text), digits))).toEqual(texts)
  })
  it('are three where there is nothing to tell apart', () => expect(digitsFor(0, 0)).toBe(3))
})

describe('count', () => {
  it.each([
    [0, '0'],
    [842, '842'],
    [9_999, '9 999'],
    [12_345, '12.3k'],
    [20_000, '20k'],
    [999_499, '999k'],
    [999_999, '1.00M'],
    [1_250_000, '1.25M'],
    [3e9, '3.00G'],
    [2 ** 52, '4.5e15'],
  ])('writes %i as %s', (value, text) => expect(plain(count(value))).toBe(text))

  it.each([
    [0, '0 B'],
    [842, '842 B'],
    [12_345, '12.3 kB'],
    [1_250_000_000, '1.25 GB'],
  ])('writes %i bytes as %s', (value, text) => expect(plain(bytes(value))).toBe(text))
})

describe('percent', () => {
  it.each([
    [0, '0%'],
    [0.0004, '<0.1%'],
    [0.012, '1.2%'],
    [0.41, '41%'],
    [0.935, '94%'],
    [0.994, '99.4%'],
    [0.99999, '>99.9%'],
    [1, '100%'],
  ])('writes %f as %s', (share, text) => expect(plain(percent(share))).toBe(text))
})

describe('multiples and counts in words', () => {
  it('says how many times the cap a norm is', () => {
    expect(plain(multiple(3.14, 1))).toBe('3.1×')
    expect(plain(multiple(5e-324, 1))).toBe('<0.001×')
    expect(plain(multiple(Infinity, 1))).toBe('+Inf')
    expect(plain(multiple(NaN, 1))).toBe('NaN')
  })
  it('knows one from many', () => {
    expect(counted(1, 'step')).toBe('1 step')
    expect(plain(counted(12_000, 'step'))).toBe('12 000 steps')
    expect(plain(group(1_234_567))).toBe('1 234 567')
    expect(plain(group(1234.56789))).toBe('1 234.56789')
  })
})

describe('every number there is', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
  const positive = fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, minExcluded: true })

  it('reads as itself, but for what its digits leave out', () => {
    fc.assert(
      fc.property(finite, fc.integer({ min: 1, max: 15 }), (value, digits) => {
        expect(offBy(figure(value, digits), value)).toBeLessThanOrEqual(0.5 * 10 ** (1 - digits) + 1e-12)
      }),
    )
  })
  it('reads as itself where all its digits are shown', () => {
    fc.assert(
      fc.property(finite, (value) => {
        const read = Number(group(value).replaceAll('\u202f', '').replace('−', '-'))
        expect(read === value).toBe(true)
      }),
    )
  })
  it('reads as itself to three digits where it is a count', () => {
    fc.assert(
      fc.property(
        positive.map(Math.ceil),
        (value) => void expect(offBy(count(value), value)).toBeLessThanOrEqual(0.0051),
      ),
    )
  })
  it('reads as itself to two digits where it is so many times another, in few characters', () => {
    fc.assert(
      fc.property(positive, (value) => {
        const text = multiple(value, 1)
        expect(text.length).toBeLessThanOrEqual(8)
        if (text.startsWith('<')) expect(value).toBeLessThan(0.001)
        else expect(offBy(text, value)).toBeLessThanOrEqual(0.051)
      }),
    )
  })
  it('reads as itself to a tenth or a hundredth where it is a share', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: 0, max: 1 }), (share) => {
        const text = percent(share)
        if (text.startsWith('<')) expect(share).toBeLessThan(0.001)
        else if (text.startsWith('>')) expect(share).toBeGreaterThan(0.999)
        else expect(Math.abs(Number(/[\d.]+/.exec(text)?.[0]) / 100 - share)).toBeLessThanOrEqual(0.005_001)
      }),
    )
  })
})

const UNITS: Record<string, number> = { k: 3, M: 6, G: 9, T: 12 }

/** By which part of itself a number differs from what a person reads, without leaving the range of a double on the way. */
function offBy(text: string, value: number): number {
  const [, digits = '', exponent = '0', unit = ''] =
    /^([\d.−]+?)(?:e(-?\d+))?([kMGT]?)×?$/.exec(text.replaceAll('\u202f', '')) ?? []
  const read = Number(digits.replace('−', '-'))
  if (value === 0) return Math.abs(read)
  const [mantissa, own] = value.toExponential(17).split('e').map(Number) as [number, number]
  return Math.abs((read * 10 ** (Number(exponent) + (UNITS[unit] ?? 0) - own)) / mantissa - 1)
}
