import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clipByGlobalNorm, clipByValue, globalNorm } from './clip.ts'

const tensors = fc.array(fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { maxLength: 8 }), {
  maxLength: 4,
})
const caps = fc.double({ min: 1e-3, max: 1e3, noNaN: true })

describe('clipping by global norm', () => {
  it('is computed over all tensors together', () => {
    expect(globalNorm([[3], new Float32Array([0]), new Float64Array([4])])).toBe(5)
    expect(globalNorm([])).toBe(0)
  })

  it('returns the norm before clipping, and scales to at most the cap without changing the direction', () => {
    fc.assert(
      fc.property(tensors, caps, (gradients, cap) => {
        const before = gradients.map((tensor) => [...tensor])
        const norm = clipByGlobalNorm(gradients, cap)
        expect(norm).toBe(globalNorm(before))
        expect(globalNorm(gradients)).toBeLessThanOrEqual(Math.max(cap, 0) * (1 + 1e-9))
        const coefficient = Math.min(1, cap / (norm + 1e-6))
        expect(gradients).toEqual(before.map((tensor) => tensor.map((element) => element * coefficient)))
      }),
    )
  })

  it.each([
    ['a NaN makes everything NaN', [NaN, 1], NaN, [NaN, NaN]],
    ['an infinity takes the finite ones to 0 and itself to NaN', [Infinity, 1], Infinity, [NaN, 0]],
    ['a zero gradient stays', [0, 0], 0, [0, 0]],
  ])('treats non-finite gradients like torch: %s', (_name, gradient, norm, after) => {
    const tensor = new Float32Array(gradient)
    expect(clipByGlobalNorm([tensor], 1)).toBe(norm)
    expect([...tensor]).toEqual(after)
  })

  it('reads an iterator once', () => {
    const tensor = new Float32Array([3, 4])
    expect(clipByGlobalNorm([tensor].values(), 1)).toBe(5)
    expect(globalNorm([tensor])).toBeCloseTo(1, 5)
  })
})

describe('clipping by value', () => {
  it('clamps every element, and returns the norm and the largest element before clipping and the share clamped', () => {
    fc.assert(
      fc.property(tensors, caps, (gradients, cap) => {
        const before = gradients.flat()
        const told = clipByValue(gradients, cap)
        expect(gradients.flat()).toEqual(before.map((element) => Math.max(-cap, Math.min(cap, element))))
        expect(told.gradNorm).toBe(globalNorm([before]))
        expect(told.maxAbsGrad).toBe(Math.max(0, ...before.map(Math.abs)))
        const clamped = before.filter((element) => Math.abs(element) > cap).length
        expect(told.clipFraction).toBe(before.length === 0 ? 0 : clamped / before.length)
      }),
    )
  })

  it('keeps NaN and clamps infinities, like torch', () => {
    const tensor = new Float64Array([NaN, Infinity, -Infinity, 0.25])
    expect(clipByValue([tensor], 0.5)).toEqual({ gradNorm: NaN, maxAbsGrad: NaN, clipFraction: 0.5 })
    expect([...tensor]).toEqual([NaN, 0.5, -0.5, 0.25])
  })
})
