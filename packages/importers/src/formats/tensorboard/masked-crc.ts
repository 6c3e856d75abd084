/**
 * CRC-32C (Castagnoli, reflected): tables for eight bytes at a time, one after the other in one array. The n-th says what a
 * byte becomes that n more bytes follow.
 */
const TABLES = new Uint32Array(8 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  TABLES[byte] = crc
}
for (let i = 256; i < TABLES.length; i++) {
  const before = TABLES[i - 256] as number
  TABLES[i] = (before >>> 8) ^ (TABLES[before & 255] as number)
}

/** The checksum of bytes `from` to `to` as in TFRecord files: CRC-32C rotated right by 15 bits plus a constant, so that it may stand within checked data. */
export function maskedCrc(bytes: Uint8Array, from = 0, to = bytes.length): number {
  const tables = TABLES as ArrayLike<number> as readonly number[]
  const at8 = bytes as ArrayLike<number> as readonly number[]
  let crc = 0xffffffff
  let i = from
  for (; i + 8 <= to; i += 8) {
    crc ^= at8[i]! | (at8[i + 1]! << 8) | (at8[i + 2]! << 16) | (at8[i + 3]! << 24)
    crc =
      tables[1792 + (crc & 255)]! ^
      tables[1536 + ((crc >>> 8) & 255)]! ^
      tables[1280 + ((crc >>> 16) & 255)]! ^
      tables[1024 + (crc >>> 24)]! ^
      tables[768 + at8[i + 4]!]! ^
      tables[512 + at8[i + 5]!]! ^
      tables[256 + at8[i + 6]!]! ^
      tables[at8[i + 7]!]!
  }
  for (; i < to; i++) crc = (crc >>> 8) ^ tables[(crc ^ at8[i]!) & 255]!
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
