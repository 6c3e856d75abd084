import { LAYER_PREFIX, decodeNumber, type PointColumns } from '@normwatch/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { pointsBody } from './points-body.ts'

type Column = (number | string | null)[]
interface Wire {
  readonly columns: { readonly step: Column; readonly layers?: Record<string, Column> } & Record<
    string,
    Column
  >
}

const decoded = (column: Column | undefined): (number | null)[] | undefined =>
  column?.map((value) => (value === null ? null : (decodeNumber(value) as number)))

it('a request holds each number of its rows exactly, NaN and infinities too, and no column without one', () => {
  const rows = fc.array(fc.tuple(fc.double(), fc.boolean(), fc.double(), fc.boolean()), {
    minLength: 1,
    maxLength: 2000,
    size: 'max',
  })
  fc.assert(
    fc.property(rows, fc.nat(2000), (all, cut) => {
      const from = Math.min(cut, all.length - 1)
      const kept = all.slice(from)
      const points: PointColumns = {
        step: Float64Array.from(all, (_, i) => i * 10),
        time: Float64Array.from(all, ([, has], i) => (has ? 1.7e9 + i / 3 : NaN)),
        metrics: new Map([
          ['grad_norm', { values: Float64Array.from(all, ([norm]) => norm), present: null }],
          [
            `${LAYER_PREFIX}h."0"`,
            {
              values: Float64Array.from(all, ([, , norm]) => norm),
              present: Uint8Array.from(all, ([, , , has]) => Number(has)),
            },
          ],
        ]),
      }
      const { columns } = JSON.parse(new TextDecoder().decode(pointsBody(points, from, all.length))) as Wire
      expect(columns.step).toEqual(kept.map((_, i) => (from + i) * 10))
      expect(decoded(columns['grad_norm'])).toEqual(kept.map(([norm]) => (Object.is(norm, -0) ? 0 : norm)))
      const timed = kept.map(([, has], i) => (has ? 1.7e9 + (from + i) / 3 : null))
      expect(columns['time']).toEqual(timed.some((at) => at !== null) ? timed : undefined)
      const layer = kept.map(([, , norm, has]) => (has ? (Object.is(norm, -0) ? 0 : norm) : null))
      expect(decoded(columns.layers?.['h."0"'])).toEqual(
        layer.some((norm) => norm !== null) ? layer : undefined,
      )
    }),
    { numRuns: 30 },
  )
})
