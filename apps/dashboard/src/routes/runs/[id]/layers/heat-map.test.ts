import { describe, expect, it } from 'vitest'
import { colourRange, heaviestLayer, inOrderOfNames, logShare, shade } from './heat-map.ts'

const reply = (layers: string[], values: (number | null)[][]) => ({
  from: 0,
  to: 1,
  bucket: 1,
  step: [0, 1],
  layers,
  values,
})

describe('the layers heat map', () => {
  it('names the layer with the largest part of the squared norm', () => {
    expect(
      heaviestLayer(
        reply(
          ['a', 'b'],
          [
            [1, null],
            [2, 2],
          ],
        ),
      ),
    ).toEqual({ layer: 'b', share: 8 / 9 })
    expect(heaviestLayer(reply(['a'], [[null, 0]]))).toBeUndefined()
  })
  it('spans its colours over the norms above 0, on a log scale', () => {
    const range = colourRange([
      [0, 0.01],
      [null, 100],
    ])
    expect(range).toEqual({ low: 0.01, high: 100 })
    expect(logShare(1, range as never)).toBeCloseTo(0.5)
    expect([logShare(null, range as never), logShare(0, range as never)]).toEqual([undefined, undefined])
    expect(colourRange([[0]])).toBeUndefined()
  })
  it('counts the numbers in the names of layers', () => {
    const { layers, values } = inOrderOfNames(reply(['h.10', 'h.2'], [[10], [2]]))
    expect([layers, values]).toEqual([
      ['h.2', 'h.10'],
      [[2], [10]],
    ])
  })
  it('goes from dark to light', () => {
    expect(shade(0)).toEqual([68, 1, 84])
    expect(shade(1)).toEqual([253, 231, 37])
    expect(shade(2)).toEqual(shade(1))
  })
})
