import { describe, expect, it } from 'vitest'
import { count, counted, digitsFor, figure, group, multiple, percent } from '#lib/format/number.ts'

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
})

describe('percent', () => {
  it.each([
    [0, '0 %'],
    [0.0004, '< 0.1 %'],
    [0.012, '1.2 %'],
    [0.41, '41 %'],
    [0.935, '94 %'],
    [0.994, '99.4 %'],
    [0.99999, '> 99.9 %'],
    [1, '100 %'],
  ])('writes %f as %s', (share, text) => expect(plain(percent(share))).toBe(text))
})

describe('multiples and counts in words', () => {
  it('says how many times the cap a norm is', () => {
    expect(plain(multiple(3.14, 1))).toBe('3.1 ×')
    expect(plain(multiple(Infinity, 1))).toBe('+Inf')
    expect(plain(multiple(NaN, 1))).toBe('NaN')
  })
  it('knows one from many', () => {
    expect(counted(1, 'step')).toBe('1 step')
    expect(plain(counted(12_000, 'step'))).toBe('12 000 steps')
    expect(plain(group(1_234_567))).toBe('1 234 567')
  })
})
