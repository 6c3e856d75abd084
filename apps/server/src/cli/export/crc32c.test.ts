import { expect, it } from 'vitest'
import { crc32c } from './crc32c.ts'

// RFC 3720, B.4: CRC examples
it.each([
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['the bytes 0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['nothing', new Uint8Array(0), 0],
])('agrees with the standard on %s', (_, data, sum) => {
  expect(crc32c(data)).toBe(sum)
})
