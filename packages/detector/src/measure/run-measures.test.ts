import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareNotes, type ComparedRun } from './compare-notes.ts'
import { LossMoves } from './loss-moves.ts'
import { RunMeasurer, type RunMeasures } from './run-measures.ts'

function measure(losses: readonly number[], norms: readonly number[] = []): RunMeasures {
  const measurer = new RunMeasurer()
  const middle = losses.length >> 1
  for (const [from, to] of [
    [0, middle],
    [middle, losses.length],
  ]) {
    measurer.addLosses(Float64Array.from(losses.slice(from, to)))
    measurer.addNorms(Float64Array.from(norms.slice(from, to)))
  }
  const [first, last] = [0, losses.length - 1].map((i) => ({ step: 10 * i, time: 1000 + i }))
  return measurer.result({ points: losses.length, first, last })
}

describe('measures of a run', () => {
  it('takes roughness as the root mean square of steps between finite neighbours', () => {
    expect(measure([1, 2, NaN, 10, 7]).loss_roughness).toBe(Math.sqrt((1 + 9) / 2))
    expect(measure([1, NaN, 2]).loss_roughness).toBeNull()
  })

  it('takes the final loss as the median of the last 5 %, and at least of one', () => {
    expect(measure(Array.from({ length: 100 }, (_, i) => i)).final_loss).toBe(97)
    expect(measure([3, 2, 1]).final_loss).toBe(1)
    expect(measure([NaN]).final_loss).toBeNull()
  })

  it('finds the final loss of very many losses, whatever their order', () => {
    for (const count of [99_999, 200_000, 1_000_010]) {
      const losses = Array.from({ length: count }, (_, i) => ((i * 7919) % 100_003) / 1000 - 40)
      const last = losses.slice(-Math.round(count / 20)).sort((a, b) => a - b)
      const [low, high] = [last[(last.length - 1) >> 1], last[last.length >> 1]] as [number, number]
      expect(measure(losses).final_loss).toBe((low + high) / 2)
    }
  })

  it('says of losses of which some were summed up before what it says of all', () => {
    const anyLoss = fc.oneof(fc.double({ min: -10, max: 10, noNaN: true }), fc.constantFrom(NaN, Infinity))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(anyLoss, { maxLength: 60 }), fc.boolean()), { maxLength: 6 }),
        (stretches) => {
          const all = stretches.flatMap(([losses]) => losses)
          const measurer = new RunMeasurer()
          let start = 0
          for (const [losses, isSummed] of stretches) {
            const moves = new LossMoves()
            moves.add(Float64Array.from(losses))
            if (isSummed) measurer.addLossSums(moves, start)
            else measurer.addLosses(Float64Array.from(losses))
            start += losses.length
          }
          const from = measurer.lastLossesFrom
          if (from !== undefined) measurer.addLastLosses(Float64Array.from(all.slice(from)))
          const found = measurer.result({ points: 0, first: undefined, last: undefined })
          const expected = measure(all)
          expect(found).toMatchObject({ final_loss: expected.final_loss, nonfinite: expected.nonfinite })
          expect(found.loss_roughness === null).toBe(expected.loss_roughness === null)
          expect(found.loss_roughness ?? 0).toBeCloseTo(expected.loss_roughness ?? 0, 9)
        },
      ),
    )
  })

  it('counts which of very many norms are not finite, also beside those below 0', () => {
    const odd = [NaN, Infinity, -Infinity, -1, -0, 1, 1 + 1e-7, 1.001, 1e-300]
    const norms = Array.from({ length: 150_000 }, (_, i) =>
      i % 50 === 0 ? (odd[(i / 50) % odd.length] as number) : ((i * 7919) % 3001) / 1500,
    )
    const finite = norms.filter(Number.isFinite)
    for (const Form of [Float32Array, Float64Array]) {
      const measurer = new RunMeasurer()
      for (const from of [0, 1_000])
        measurer.addNorms(Form.from(norms.slice(from, from === 0 ? 1_000 : undefined)))
      const { nonfinite } = measurer.result({ points: 0, first: undefined, last: undefined })
      expect(nonfinite).toBe(norms.length - finite.length)
    }
  })

  it('counts what is not finite, steps and seconds', () => {
    expect(measure([1, NaN, 1, 1], [0.5, 2, Infinity, 1])).toMatchObject({
      points: 4,
      steps: 31,
      seconds: 3,
      clip_rate: null,
      nonfinite: 2,
      norm_quantiles: { p50: 1 },
    })
  })

  it('takes the clip rate that is known, else that of the steps with a cap of their own', () => {
    const measurer = new RunMeasurer()
    measurer.addSteps({
      count: 6,
      gradNorm: {
        values: Float64Array.of(1, 2, 3, NaN, 5, 6),
        present: Uint8Array.of(1, 1, 1, 1, 0, 1),
      },
      cap: { values: Float64Array.of(2, 1, 0, 1, 1, 6 - 1e-7), present: null },
    })
    const steps = { points: 6, first: undefined, last: undefined }
    expect(measurer.result(steps)).toMatchObject({ clip_rate: 1 / 3, nonfinite: 1 })
    expect(measurer.result(steps, 0.25).clip_rate).toBe(0.25)
    expect(measurer.result(steps, null).clip_rate).toBeNull()
  })
})

describe('notes of a comparison', () => {
  const run = (name: string, config: Record<string, unknown>, losses = [3, 2, 1]): ComparedRun => ({
    name,
    config,
    measures: measure(losses),
  })

  it('says that two single runs may differ by their seed, and which settings differ', () => {
    const notes = compareNotes([
      run('a', { lr: 1, model: { width: 8 } }),
      run('b', { lr: 2, model: { width: 9 } }),
    ])
    expect(notes).toEqual([
      'One run a side: a difference between two single runs may be the seed. Repeat each with other seeds.',
      '2 settings differ, so no one of them explains the difference: lr, model.width.',
    ])
  })

  it('takes runs that differ in their seed alone for repetitions', () => {
    expect(compareNotes([run('a', { seed: 1 }), run('b', { seed: 2 })])).toEqual([])
  })

  it('names different lengths and non-finite readings', () => {
    const notes = compareNotes([run('a', { seed: 1 }), run('b', { seed: 2 }, [3, NaN, 1, 1])])
    expect(notes).toEqual([
      'The lengths differ (21 to 31 steps): final losses and rates are not of the same stage of training.',
      'b has 1 non-finite readings; they are in no figure.',
    ])
  })
})
