import { expect, it } from 'vitest'
import { entriesOf, readLimit } from './limit-form.ts'

it.each([
  ['', null],
  ['  ', null],
  ['1000', 1_000],
  ['50 000,000', 50_000_000],
])('reads %j as the limit %j', (entry, limit) => expect(readLimit(entry)).toBe(limit))

it.each(['0', '-5', '1.5', 'ten', '1e9', '99999999999999999999'])('refuses %j as a limit', (entry) =>
  expect(readLimit(entry)).toBe('A whole number from 1, or nothing for no limit.'),
)

it('shows limits as they were entered, and none as nothing', () => {
  expect(entriesOf({ max_runs: 5, max_points: null })).toEqual({ runs: '5', points: '' })
})
