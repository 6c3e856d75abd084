import { describe, expect, it } from 'vitest'
import { isTokenAddress } from './access/identity/tokens.ts'
import { isWithin, parseRange } from './address-ranges.ts'

describe('the addresses of a token', () => {
  it.each(['10.0.0.7', '10.0.0.0/8', '0.0.0.0/0', '::1', 'fd00::/8'])('may be %s', (text) => {
    expect(isTokenAddress(text)).toBe(true)
  })
  it.each([
    '',
    'host',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    'fe80::1%eth0',
    '::/129',
    '010.0.0.1',
  ])('may not be "%s"', (text) => {
    expect(isTokenAddress(text)).toBe(false)
  })
  it.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['11.1.2.3', '10.0.0.0/8,11.1.2.3', true],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['fd00::5', 'fd00::/8', true],
    ['::1', '127.0.0.1', false],
    // who comes through a socket of the file system has no address
    ['', '0.0.0.0/0', false],
  ])('hold %s within %s: %s', (address, ranges, is) => {
    expect(isWithin(address, ranges.split(',').map(parseRange))).toBe(is)
  })
})
