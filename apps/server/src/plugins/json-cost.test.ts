import fc from 'fast-check'
import { expect, it } from 'vitest'
import { refusingCostlyJson } from './json-cost.ts'
import { PieceFinder } from './json-pieces.ts'

const codeOf = (text: string): string | undefined => {
  try {
    for (const _ of refusingCostlyJson(Buffer.from(text), new PieceFinder()));
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}
const padded = (text: string) => text + ' '.repeat(300_000)

it.each([
  [
    'the points of a full batch',
    `{"points":[${'{"step":1,"layers":{"a":1}},'.repeat(9_999)}{"step":1}]}`,
    undefined,
  ],
  ['empty points', `{"points":[${'{},'.repeat(200_000)}{}]}`, 'body_too_large'],
  ['nested lists', '['.repeat(200_000) + ']'.repeat(200_000), 'json_invalid'],
  ['65 levels', padded('['.repeat(65) + ']'.repeat(65)), 'json_invalid'],
  ['64 levels', padded('['.repeat(64) + ']'.repeat(64)), undefined],
  ['a million and more readings', `[${'0,'.repeat(1_200_000)}0]`, 'too_many_readings'],
  ['brackets and commas in a text', `["${'[{,'.repeat(500_000)}"]`, undefined],
  ['an escaped quotation mark across two slices', `["${'\\"[{,'.repeat(500_000)}"]`, undefined],
  ['an escaped quotation mark', `["\\"${'[{,'.repeat(500_000)}"]`, undefined],
])('of %s', (_, text, code) => expect(codeOf(text)).toBe(code))

it('refuses nothing that lies within the bounds (property)', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 20 }), (text) => {
      expect(codeOf(padded(text))).toBeUndefined()
    }),
    { numRuns: 30 },
  )
})
