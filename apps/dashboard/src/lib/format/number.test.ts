import { describe, expect, it } from 'vitest'
import { count, counted, figure, group, multiple, percent } from '#lib/format/number.ts'

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

describe('count', () => {
  it.each([
    [0, '0'],
    [842, '842'],
    [9_999, '9 999'],
    [12_345, '12.3k'],
    [20_000, '20k'],
    [1_250_000, '1.25M'],
    [3e9, '3.00G'],
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
    expect(plain(multiple(Infinity, 1))).toBe('+Inf ×')
  })
  it('knows one from many', () => {
    expect(counted(1, 'step')).toBe('1 step')
    expect(plain(counted(12_000, 'step'))).toBe('12 000 steps')
    expect(plain(group(1_234_567))).toBe('1 234 567')
  })
})
