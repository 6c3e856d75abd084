import { describe, expect, it } from 'vitest'
import { hashSecret, hasTokenForm, newTokenSecret, sameHash } from './secret.ts'

describe('token secrets', () => {
  it('carry 32 random bytes after nw_ and never repeat', () => {
    const made = Array.from({ length: 1_000 }, newTokenSecret)
    expect(new Set(made).size).toBe(1_000)
    for (const token of made) {
      expect(Buffer.from(token.slice(3), 'base64url')).toHaveLength(32)
      expect(hasTokenForm(token)).toBe(true)
    }
  })
  it.each(['', 'nw_', 'nw_short', `sk_${'a'.repeat(43)}`, `nw_${'a'.repeat(43)}!`, `nw_${'a'.repeat(200)}`])(
    'have no other form: %j',
    (text) => expect(hasTokenForm(text)).toBe(false),
  )
  it('are known by their SHA-256 alone', () => {
    // FIPS 180-2, appendix B.1
    expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
  it.each([
    ['the same', hashSecret('a'), hashSecret('a'), true],
    ['others', hashSecret('a'), hashSecret('b'), false],
    ['a part of it', hashSecret('a'), hashSecret('a').slice(0, 32), false],
    ['nothing', hashSecret('a'), '', false],
  ])('match %s: %#', (_, a, b, same) => expect(sameHash(a, b)).toBe(same))
})
