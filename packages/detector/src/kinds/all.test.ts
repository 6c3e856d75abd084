import { expect, it } from 'vitest'
import { wordsOfKind } from './all.ts'

it('a kind that a newer server names is read by its name', () => {
  expect(wordsOfKind('clip_saturated').title).toBe('Clipping saturated')
  expect(wordsOfKind('late_gradient')).toEqual({
    title: 'late gradient',
    condition: 'late gradient',
    figures: {},
  })
  expect(wordsOfKind('constructor').condition).toBe('constructor')
})
