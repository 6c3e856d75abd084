import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressOfView, FIRST_VIEW, viewOfAddress, type ChosenView } from './chart-address.ts'

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }), { maxLength: 5 })
const views: fc.Arbitrary<ChosenView> = fc.record({
  axis: fc.constantFrom('step', 'time', 'elapsed'),
  isSmooth: fc.boolean(),
  logs: names,
  range: fc.option(
    fc
      .tuple(fc.nat(), fc.integer({ min: 1, max: 1_000_000 }))
      .map(([from, more]) => ({ from, to: from + more })),
  ),
  charts: names,
  showsPostClip: fc.boolean(),
  part: fc.option(fc.constantFrom('critic', 'a/b', null), { nil: undefined }),
})

describe('the address of a view', () => {
  it('shows its reader what its sender saw, whatever the reader’s browser remembers', () => {
    fc.assert(
      fc.property(views, names, (view, remembered) => {
        const query = addressOfView(view)
        fc.pre(query !== '')
        expect(viewOfAddress(new URLSearchParams(query), remembered)).toEqual(view)
      }),
    )
  })
  it('says nothing of what everybody sees first, and then the browser’s own charts show', () => {
    expect(addressOfView(FIRST_VIEW)).toBe('')
    expect(viewOfAddress(new URLSearchParams(), ['loss_scale'])).toEqual({
      ...FIRST_VIEW,
      charts: ['loss_scale'],
    })
  })
  it('leaves out what makes no sense', () => {
    const view = viewOfAddress(new URLSearchParams('axis=mood&from=9&to=3&smooth=yes'), [])
    expect(view).toEqual(FIRST_VIEW)
  })
})
