import type { LayersReply } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { layerRows, outOf, parentOf } from './layer-groups.ts'
import { movedLayers } from './moved-layers.ts'

const mapOf = (layers: Readonly<Record<string, readonly (number | null)[]>>): LayersReply => {
  const values = Object.values(layers).map((row) => [...row])
  const step = (values[0] ?? []).map((_, i) => 10 * i)
  return { from: 0, to: 10 * step.length - 1, bucket: 10, step, layers: Object.keys(layers), values }
}

describe('very many layers', () => {
  const names = Array.from({ length: 40 }, (_, block) =>
    ['up', 'down'].map((name) => `model.layers.${block}.mlp.${name}`),
  ).flat()
  const map = mapOf(Object.fromEntries([...names, 'head'].map((name) => [name, [3, null]])))

  it('stand together by module, as deep as there is room for, with the norm of all of them', () => {
    const { layers, sizes, values } = layerRows(map, '', '')
    expect(layers).toHaveLength(41)
    expect([layers[0], sizes[0], layers[40], sizes[40]]).toEqual(['model.layers.0.mlp', 2, 'head', 1])
    expect(values[0]).toEqual([Math.sqrt(18), null])
  })
  it('are shown one by one below a module, and where few names match a search', () => {
    expect(layerRows(map, 'model.layers.4', '').layers).toEqual([
      'model.layers.4.mlp.up',
      'model.layers.4.mlp.down',
    ])
    expect(layerRows(map, '', '9.mlp UP').layers).toHaveLength(4)
    expect(layerRows(map, '', 'nowhere').layers).toEqual([])
    expect(outOf(map, 'model.layers.4')).toBe('model.layers')
    expect(outOf(mapOf({ 'h.0.a': [1], 'h.1.a': [1] }), 'h.0')).toBe('')
    expect(['model.layers.4', 'a/b.c', 'head'].map(parentOf)).toEqual(['model.layers', 'a/b', ''])
  })
  it('stay as they are where their names have no modules', () => {
    const flat = mapOf(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`layer${i}`, [1]])))
    expect(layerRows(flat, '', '').layers).toHaveLength(100)
  })
})

describe('the layers that moved first', () => {
  const before = [1, 1.1, 0.9, 1, 1.05, 0.95, 1, 1.1, 0.9, 1]
  it('come in the order in which they left their band and stayed out', () => {
    const map = mapOf({
      still: [...before, ...before],
      late: [...before, 1, 1, 1, 5, 5, 5, 5, 5, 5, 5],
      first: [...before, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3],
      falls: [...before, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
      blip: [...before, 9, 9, 1, 1, 1, 1, 1, 1, 1, 1],
    })
    const moved = movedLayers(map, 100)
    expect(moved.map(({ layer, step }) => [layer, step])).toEqual([
      ['first', 100],
      ['falls', 110],
      ['late', 130],
    ])
    expect(moved[0]?.ratio).toBeCloseTo(3)
  })
  it('are not told where the record before is too short', () => {
    expect(movedLayers(mapOf({ first: [1, 1, 9, 9, 9, 9] }), 20)).toEqual([])
  })
})
