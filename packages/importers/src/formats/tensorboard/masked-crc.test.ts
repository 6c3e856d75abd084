import { expect, it } from 'vitest'
import { maskedCrc } from './masked-crc.ts'

const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0

/** The same checksum, bit by bit. */
function slow(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return masked(~crc >>> 0)
}

it('is the CRC-32C of RFC 3720, of any bytes and of any part of them', () => {
  expect(maskedCrc(new Uint8Array(32))).toBe(masked(0x8a9136aa))
  expect(maskedCrc(new TextEncoder().encode('123456789'))).toBe(masked(0xe3069283))
  const bytes = Uint8Array.from({ length: 80 }, (_, i) => (i * 151) ^ (i << 3))
  for (let from = 0; from < 20; from++)
    for (let to = from; to <= bytes.length; to++)
      expect(maskedCrc(bytes, from, to)).toBe(slow(bytes.subarray(from, to)))
})
