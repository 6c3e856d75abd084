import fc from 'fast-check'
import type { Clip, Reading, RunFacts } from '../src/index.ts'
import { reading } from './readings.ts'

const norm = fc.oneof(
  { weight: 20, arbitrary: fc.double({ min: 0.2, max: 3, noNaN: true }) },
  { weight: 2, arbitrary: fc.double({ min: 1e-12, max: 1e9, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, NaN, Infinity, -Infinity, 5e-324, 1.7e308) },
)
const parts = fc.record(
  {
    gradNorm: norm,
    loss: fc.oneof(
      { weight: 20, arbitrary: fc.double({ min: 1, max: 4, noNaN: true }) },
      { weight: 1, arbitrary: fc.constantFrom(0, -1, NaN, Infinity, 1e200, 1.7e308, -1.7e308) },
    ),
    lr: fc.double({ min: 0, max: 1e-2 }),
    cap: fc.constantFrom(0.5, 1, 2, Infinity, NaN, 0),
    clipFraction: fc.double({ min: 0, max: 0.1 }),
    postNorm: fc.double({ min: 0, max: 4 }),
    lossScale: fc.constantFrom(1, 2, 256, 65_536, NaN),
    skipped: fc.constantFrom(0, 1),
    zeroFraction: fc.oneof(
      { weight: 20, arbitrary: fc.double({ min: 0, max: 1 }) },
      { weight: 1, arbitrary: fc.constantFrom(-1, 1.7e308) },
    ),
    layers: fc.dictionary(fc.constantFrom('a', 'b', 'c'), norm, { maxKeys: 3 }),
  },
  { requiredKeys: [] },
)

/** A stretch of a run: readings that share a level, so that findings open and close. */
const stretch = fc.record({
  length: fc.integer({ min: 1, max: 80 }),
  level: fc.constantFrom(1e-9, 0.1, 1, 1, 1, 10, 1000),
  pieces: fc.array(parts, { minLength: 1, maxLength: 12 }),
  has: fc.record({ gradNorm: fc.boolean(), loss: fc.boolean(), lr: fc.boolean(), cap: fc.boolean() }),
})

/** Readings of a whole run in step order, some steps missing. */
export const anyRun: fc.Arbitrary<Reading[]> = fc
  .array(stretch, { minLength: 1, maxLength: 8 })
  .map((stretches) => {
    let step = 0
    return stretches.flatMap(({ length, level, pieces, has }) =>
      Array.from({ length }, (_, i) => {
        const piece = pieces[i % pieces.length] as Partial<Reading>
        step += i % 7 === 0 ? 3 : 1
        const kept = { ...piece, time: step * 0.5 }
        if (has.gradNorm) kept.gradNorm = (piece.gradNorm ?? 1) * level
        if (has.loss) kept.loss ??= 2
        if (!has.lr) kept.lr = undefined
        if (!has.cap) kept.cap = undefined
        return reading(step, kept)
      }),
    )
  })

const clip: fc.Arbitrary<Clip> = fc.constantFrom<Clip>(
  { mode: 'norm', max_norm: 1 },
  { mode: 'value', clip_value: 0.5 },
  { mode: 'none', max_norm: 1 },
  { mode: 'none', max_norm: null },
)
export const anyFacts: fc.Arbitrary<RunFacts> = fc.record({
  clip,
  optimizer: fc.constantFrom(null, 'adamw', 'SGD'),
})
