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
  ['a million and more readings', `[${`[${'0,'.repeat(9_999)}0],`.repeat(120)}0]`, 'too_many_readings'],
  ['a list of 32,768 values, after others', padded(`[[0,0],[${'0,'.repeat(32_767)}0],0]`), undefined],
  ['a longer list', padded(`[[0,0],[${'0,'.repeat(32_768)}0]]`), 'too_many_points'],
  ['a longer object', padded(`{${'"a":0,'.repeat(32_768)}"a":0}`), 'too_many_points'],
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
