import { describe, expect, it } from 'vitest'
import { LayerSearch, layerWords } from '../src/index.ts'
import { column } from './innocent-metrics.ts'
import { noiseFrom } from './noise.ts'

const LENGTH = 200
const ONSET = 120
const step = Float64Array.from({ length: LENGTH }, (_, i) => i)
const noise = noiseFrom(11)

function found(layers: Readonly<Record<string, (i: number) => number | undefined>>) {
  const search = new LayerSearch(step, ONSET, ONSET + 30)
  for (const [name, of] of Object.entries(layers)) {
    search.look(
      name,
      column(LENGTH, (i) => {
        const norm = of(i)
        return norm === undefined ? undefined : norm * Math.exp(0.05 * noise.normal())
      }),
    )
  }
  return search.found()
}

describe('where the norm grew', () => {
  it('names the layer that left its band first and those that carry the growth, with their shares', () => {
    const layers = found({
      embed: (i) => (i < ONSET - 4 ? 1 : 3),
      'h.0': (i) => (i < ONSET ? 1 : 9),
      'h.1': () => 1,
      head: () => 1,
    })
    expect(layers).toMatchObject([
      { layer: 'embed', at_step: ONSET - 4, lead: -4, nonfinite: false },
      { layer: 'h.0', at_step: ONSET, lead: 0 },
    ])
    expect(layers[1]?.share_before).toBeCloseTo(0.25, 1)
    expect(layers[1]?.share_after).toBeCloseTo(81 / 92, 1)
    expect(layerWords(layers[1] as (typeof layers)[number])).toMatch(
      /^layer h\.0 left its band at step 120, with the norm: 8\d % of the squared norm, 2\d % before$/,
    )
  })

  it('names the layers that turned non-finite, the first one first', () => {
    const layers = found({
      a: (i) => (i < ONSET + 2 ? 1 : NaN),
      b: (i) => (i < ONSET ? 1 : Infinity),
      c: () => 1,
    })
    expect(layers).toMatchObject([
      { layer: 'b', at_step: ONSET, share_after: null, nonfinite: true },
      { layer: 'a', at_step: ONSET + 2, nonfinite: true },
    ])
    expect(layerWords(layers[0] as (typeof layers)[number])).toBe('layer b turned non-finite at step 120')
  })

  it('speaks of shares where layers are logged too seldom to tell a step', () => {
    const seldom = (after: number) => (i: number) => (i % 20 === 0 ? (i < ONSET ? 1 : after) : undefined)
    expect(found({ a: seldom(8), b: seldom(1) })).toMatchObject([{ layer: 'a', at_step: null, lead: null }])
  })

  it('says nothing where the layers did not grow, or where there is but one', () => {
    expect(found({ a: () => 1, b: () => 2 })).toEqual([])
    expect(found({ a: (i) => (i < ONSET ? 1 : 9) })).toEqual([])
  })
})
