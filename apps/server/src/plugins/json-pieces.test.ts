import fc from 'fast-check'
import { expect, it } from 'vitest'
import { refusingCostlyJson } from './json-cost.ts'
import { parsePieces, PieceFinder } from './json-pieces.ts'

/** Parses the text in pieces of a few bytes; the text is made long enough to be looked through. */
function parseInPieces(text: string, pieceBytes: number): unknown {
  const bytes = Buffer.from(text + ' '.repeat(300_000))
  const pieces = new PieceFinder(pieceBytes)
  for (const _ of refusingCostlyJson(bytes, pieces));
  if (pieces.root === undefined) return JSON.parse(text)
  const parsing = parsePieces(bytes, pieces.root)
  for (;;) {
    const { done, value } = parsing.next()
    if (done === true) return value
  }
}

it('reads in pieces what JSON.parse reads at once (property)', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), fc.integer({ min: 1, max: 60 }), (text, pieceBytes) => {
      expect(parseInPieces(text, pieceBytes)).toEqual(JSON.parse(text))
    }),
    { numRuns: 100 },
  )
})

it('accepts nothing that JSON.parse refuses, and refuses nothing that it accepts (property)', () => {
  const damaged = fc.tuple(
    fc.json({ maxDepth: 6 }),
    fc.nat(),
    fc.constantFrom('', ',', ']', '}', '{', '[', ':', '1', '"', ' '),
  )
  fc.assert(
    fc.property(damaged, fc.integer({ min: 1, max: 40 }), ([text, at, put], pieceBytes) => {
      const place = at % text.length
      const changed = text.slice(0, place) + put + text.slice(place + 1)
      const outcome = (read: () => unknown) => {
        try {
          return { value: read() }
        } catch {
          return 'refused'
        }
      }
      expect(outcome(() => parseInPieces(changed, pieceBytes))).toEqual(outcome(() => JSON.parse(changed)))
    }),
    { numRuns: 300 },
  )
})

it.each(['{"a":[1,2,3],"a":[4,5,6]}', '{"__proto__":{"x":[1,2,3]},"b":1}', '[[1,2,3],[],[4,5,6]]'])(
  'keeps what JSON.parse makes of %s',
  (text) => {
    const read = parseInPieces(text, 3) as object
    expect(JSON.stringify(read)).toBe(JSON.stringify(JSON.parse(text)))
    expect(Object.getPrototypeOf(read)).toBe(Object.getPrototypeOf(JSON.parse(text)))
  },
)
