import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeNumber,
  LAYER_PREFIX,
  parsePoints,
  type PointColumns,
  type WireNumber,
} from '@normwatch/protocol'

/** What was read, in a form that compares: by step, the time and the readings. */
function read(body: unknown) {
  const parsed = parsePoints(JSON.parse(JSON.stringify(body)))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.details))
  return plain(parsed.columns)
}

function plain({ step, time, metrics }: PointColumns) {
  return Array.from(step, (at, row) => {
    const readings: Record<string, number> = {}
    for (const [name, { values, present }] of metrics) {
      if (present === null || present[row] === 1) readings[name] = values[row] as number
    }
    return { step: at, time: time[row], readings }
  })
}

describe('points that are read', () => {
  it('keep what they are: non-finite readings, layers, own metrics, times', () => {
    const points = [
      { step: 3, time: 1.5, grad_norm: 'Infinity', loss: 'NaN', 'val/acc': -0.5, layers: { 'enc/0': 2 } },
    ]
    expect(read({ points })).toEqual([
      {
        step: 3,
        time: 1.5,
        readings: { grad_norm: Infinity, loss: NaN, 'val/acc': -0.5, 'layers/enc/0': 2 },
      },
    ])
  })

  it('may have nothing but steps, and may be none', () => {
    expect(read({ points: [{ step: 0 }] })).toEqual([{ step: 0, time: NaN, readings: {} }])
    expect(read({ points: [] })).toEqual([])
    expect(read({ columns: { step: [] } })).toEqual([])
  })

  it('come out with steps ascending, each once, later readings first in rank', () => {
    const points = [
      { step: 9, loss: 1, time: 10 },
      { step: 2, loss: 2 },
      { step: 9, loss: 3, lr: 4 },
      { step: 9, time: 11, lr: null },
    ]
    expect(read({ points })).toEqual([
      { step: 2, time: NaN, readings: { loss: 2 } },
      { step: 9, time: 11, readings: { loss: 3, lr: 4 } },
    ])
  })

  it('treat null as no reading, and leave out a metric that has none at all', () => {
    const parsed = parsePoints({ columns: { step: [0, 1], loss: [null, 1], lr: [null, null] } })
    expect(parsed.ok && [...parsed.columns.metrics.keys()]).toEqual(['loss'])
    expect(parsed.ok && parsed.columns.metrics.get('loss')?.present).toEqual(new Uint8Array([0, 1]))
  })

  it('have no mask where every step has a reading', () => {
    const parsed = parsePoints({
      points: [
        { step: 0, loss: 1 },
        { step: 1, loss: 2 },
      ],
    })
    expect(parsed.ok && parsed.columns.metrics.get('loss')?.present).toBeNull()
  })

  it('are the same as rows and as columns', () => {
    const reading = fc.oneof(fc.double(), fc.constant(null), fc.constant(undefined))
    const point = fc.record({
      step: fc.nat({ max: 30 }),
      time: fc.option(fc.double({ min: 0, max: 1e11, noNaN: true }), { nil: undefined }),
      grad_norm: reading,
      loss: reading,
      'val/acc': reading,
      layers: fc.option(fc.dictionary(fc.constantFrom('a', 'b/c', '~'), fc.double()), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(point, { maxLength: 20 }), (points) => {
        const wire = (value: number | null | undefined): WireNumber | null =>
          typeof value === 'number' ? encodeNumber(value) : null
        const asRows = points.map(({ step, time, layers, ...metrics }) => ({
          step,
          ...(time !== undefined && { time }),
          ...Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, wire(value)])),
          ...(layers && {
            layers: Object.fromEntries(Object.entries(layers).map(([name, value]) => [name, wire(value)])),
          }),
        }))
        const layer = (name: string) => points.map(({ layers }) => wire(layers?.[name]))
        const asColumns = {
          step: points.map(({ step }) => step),
          time: points.map(({ time }) => time ?? null),
          grad_norm: points.map(({ grad_norm }) => wire(grad_norm)),
          loss: points.map(({ loss }) => wire(loss)),
          'val/acc': points.map((one) => wire(one['val/acc'])),
          layers: { a: layer('a'), '~': layer('~') },
          [`${LAYER_PREFIX}b/c`]: layer('b/c'),
        }
        expect(read({ points: asRows })).toEqual(read({ columns: asColumns }))
      }),
    )
  })
})
