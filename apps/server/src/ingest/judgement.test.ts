import { expect, it } from 'vitest'
import { findingId } from './judgement.ts'

it('makes a UUID of version 7 that carries the time', () => {
  const id = findingId(1_764_000_000_123)
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(Number.parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(1_764_000_000_123)
})

it('sorts by time, and differs within a millisecond', () => {
  expect(findingId(1) < findingId(2)).toBe(true)
  expect(findingId(5)).not.toBe(findingId(5))
})
