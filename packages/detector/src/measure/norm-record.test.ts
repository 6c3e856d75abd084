import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NormRecord } from './norm-record.ts'
import { orderNorms } from './ordered-norms.ts'

const anyNorm = fc.oneof(
  fc.double({ min: 0, max: 1e300 }),
  fc.double({ min: 0, max: 10, noNaN: true }),
  fc.constantFrom(0, -0, 1, 5e-324, NaN, Infinity, -Infinity),
)

function recordOf(norms: readonly number[], kind: typeof Float32Array | typeof Float64Array = Float64Array) {
  const record = new NormRecord()
  const half = norms.length >> 1
  record.add({ values: kind.from(norms.slice(0, half)), present: null })
  record.add({ values: kind.from(norms.slice(half)), present: null })
  return record
}

const anySingle = fc.oneof(
  fc.float({ min: 0, noDefaultInfinity: true, noNaN: true }),
  fc.float({ min: 0, max: 10, noNaN: true }),
  fc.constantFrom(0, -0, 1, 2 ** -149, 2 ** -126, 2 ** -127, -1, NaN, Infinity, -Infinity),
)

describe('the what-if', () => {
  it('says for any caps what counting one by one says', () => {
    fc.assert(
      fc.property(
        fc.array(anyNorm, { minLength: 1, maxLength: 300 }),
        fc.array(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 70 }),
        (norms, caps) => {
          const finite = norms.filter(Number.isFinite)
          for (const { cap, clip_rate: rate, mean_coefficient: mean } of recordOf(norms).curve(caps)) {
            const clipped = finite.filter((norm) => norm > cap).length
            expect(rate).toBe(finite.length === 0 ? 0 : clipped / finite.length)
            const sum = finite.reduce((total, norm) => total + (norm > cap ? cap / norm : 1), 0)
            expect(mean).toBeCloseTo(finite.length === 0 ? 1 : sum / finite.length, 9)
          }
        },
      ),
    )
  })

  it('says of norms in single precision what it says of the same in double', () => {
    fc.assert(
      fc.property(
        fc.array(anySingle, { maxLength: 300 }),
        fc.array(fc.float({ min: Math.fround(1e-9), max: Math.fround(1e9), noNaN: true }), { maxLength: 70 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
        (norms, caps, shares) => {
          const [single, double] = [recordOf(norms, Float32Array), recordOf(norms)]
          expect(single.count).toBe(double.count)
          expect(single.quantiles(shares)).toEqual(double.quantiles(shares))
          expect(single.curve(caps)).toEqual(double.curve(caps))
        },
      ),
    )
  })

  it('says of norms that were put in order before what it says of them in any order', () => {
    const anyForm = fc.constantFrom(Float32Array, Float64Array)
    fc.assert(
      fc.property(
        anyForm,
        fc.array(fc.oneof(anyNorm, anySingle), { maxLength: 300 }),
        fc.array(anySingle, { maxLength: 10 }),
        fc.array(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), { maxLength: 70 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
        (Form, norms, others, caps, shares) => {
          const blocks = [Form.from(norms.slice(0, 100)), Form.from(norms.slice(100))]
          const { norms: sorted, ...counts } = orderNorms(blocks)
          expect(counts.readings).toBe(norms.length)
          expect([...sorted].every((norm, i) => i === 0 || norm >= (sorted[i - 1] as number))).toBe(true)
          const ordered = recordOf(others)
          ordered.addOrdered({
            ...counts,
            bytes: 0,
            unpack: () => (from, to) => sorted.slice(from, to),
          })
          const together = recordOf([...others, ...Form.from(norms)])
          expect([ordered.count, ordered.below0]).toEqual([together.count, together.below0])
          expect(ordered.quantiles(shares)).toEqual(together.quantiles(shares))
          const rates = (record: NormRecord, some?: number[]) =>
            record.curve(some).map(({ cap, clip_rate: rate }) => [cap, rate])
          expect(rates(ordered, caps)).toEqual(rates(together, caps))
          expect(rates(ordered)).toEqual(rates(together))
          ordered.curve(caps).forEach(({ mean_coefficient: mean }, i) => {
            expect(mean).toBeCloseTo(together.curve(caps)[i]?.mean_coefficient ?? NaN, 9)
          })
        },
      ),
    )
  })

  it('says of records that are put together what one record of all norms says', () => {
    const norms = Array.from({ length: 200_000 }, (_, i) => Math.exp(((i * 7919) % 50_021) / 10_000 - 2))
    const parts = [0, 1, 70_000, 70_001, norms.length].map((from, i, all) => norms.slice(from, all[i + 1]))
    const together = recordOf([])
    for (const [i, part] of parts.entries())
      together.addAll(recordOf(part, i % 2 === 0 ? Float64Array : Float32Array))
    together.add({ values: Float64Array.of(1e6), present: null })
    const all = recordOf([...parts.flatMap((part, i) => (i % 2 === 0 ? part : part.map(Math.fround))), 1e6])
    expect(together.count).toBe(all.count)
    const shares = [0, 0.1, 0.5, 0.9, 1]
    expect(together.quantiles(shares)).toEqual(all.quantiles(shares))
    const rates = (record: NormRecord) => record.curve().map(({ cap, clip_rate: rate }) => [cap, rate])
    expect(rates(together)).toEqual(rates(all))
  })

  it('counts a norm that equals the cap as not clipped', () => {
    expect(recordOf([1, 1, 2, 4]).curve([1])).toEqual([{ cap: 1, clip_rate: 0.5, mean_coefficient: 0.6875 }])
  })

  it('gives the quantiles of the sorted norms, linear between ranks', () => {
    fc.assert(
      fc.property(
        fc.array(anyNorm, { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (norms, share) => {
          const sorted = norms.filter(Number.isFinite).sort((a, b) => a - b)
          const [quantile] = recordOf(norms).quantiles([share])
          if (sorted.length === 0) {
            expect(quantile).toBeNull()
            return
          }
          const rank = share * (sorted.length - 1)
          const low = sorted[Math.floor(rank)] as number
          const high = sorted[Math.ceil(rank)] as number
          expect(quantile).toBeCloseTo(low + (rank - Math.floor(rank)) * (high - low), 9)
        },
      ),
    )
  })

  it('finds the exact quantiles of very many norms that differ only in their last digits, or not at all', () => {
    const count = 200_000
    const norms = Float64Array.from({ length: count }, (_, i) => 1 + ((i * 7919) % 50_021) * 2 ** -50)
    const shares = [0, 0.1, 0.5, 0.999, 1]
    for (const values of [norms, new Float64Array(count).fill(1.5), new Float32Array(norms)]) {
      const record = new NormRecord()
      record.add({ values, present: null })
      const sorted = Float64Array.from(values).sort()
      const expected = shares.map((share) => {
        const place = share * (count - 1)
        const low = sorted[Math.floor(place)] as number
        return low + (place - Math.floor(place)) * ((sorted[Math.ceil(place)] as number) - low)
      })
      expect(record.quantiles(shares)).toEqual(expected)
    }
  })

  it('chooses caps over the range seen, from the smallest norm to the largest', () => {
    const curve = recordOf([0.01, 0.5, 100]).curve()
    expect(curve).toHaveLength(64)
    expect([curve[0]?.cap, curve[63]?.cap]).toEqual([0.01, 100])
    expect(curve[63]).toMatchObject({ clip_rate: 0, mean_coefficient: 1 })
    expect(recordOf([2, 2]).curve()).toEqual([{ cap: 2, clip_rate: 0, mean_coefficient: 1 }])
    expect(recordOf([0]).curve()).toEqual([])
  })
})
