import type { Run } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { filtersOf, matches, NO_FILTERS, queryOf, rank } from '#lib/state/filters.ts'
import { reorder } from '#lib/state/row-order.ts'

const make = (id: string, over: Partial<Run> = {}) =>
  ({
    id,
    name: id,
    project: 'toy',
    tags: [],
    status: 'running',
    health: 'ok',
    created_at: id,
    conditions: [],
    ...over,
  }) as unknown as Run
const table = (...runs: Run[]) => new Map(runs.map((run) => [run.id, run]))
const ranks = (runs: Map<string, Run>) => new Map([...runs].map(([id, run]) => [id, rank(run)]))

describe('the order of rows', () => {
  const before = table(make('a'), make('b'), make('c', { status: 'finished' }))

  it('keeps every row where it is while judgements stay', () => {
    expect(reorder(['b', 'a', 'c'], ranks(before), before)).toEqual(['b', 'a', 'c'])
  })
  it('takes a run that became flagged to the top, and a new run to the top of its rank', () => {
    const after = table(...before.values(), make('c', { health: 'flagged' }), make('d'))
    expect(reorder(['b', 'a', 'c'], ranks(before), after)).toEqual(['c', 'd', 'b', 'a'])
  })
  it('lets a run that is gone leave', () => {
    expect(reorder(['b', 'a', 'c'], ranks(before), table(make('a')))).toEqual(['a'])
  })
})

describe('filters', () => {
  it('travel through an address and back, unknown values left out', () => {
    const filters = { ...NO_FILTERS, q: 'x y', health: 'flagged', tag: 't&u' }
    expect(filtersOf(queryOf(filters))).toEqual(filters)
    expect(filtersOf(new URLSearchParams('status=gone&health=bad&q=1'))).toEqual({ ...NO_FILTERS, q: '1' })
  })
  it.each([
    [{}, true],
    [{ q: 'TOY' }, true],
    [{ q: 'zzz' }, false],
    [{ q: 'base' }, true],
    [{ project: 'other' }, false],
    [{ status: 'running', health: 'ok', tag: 'baseline' }, true],
    [{ tag: 'base' }, false],
    [{ health: 'watch' }, false],
  ])('match a run by %o: %s', (filters, expected) => {
    expect(matches(make('a', { tags: ['baseline'] }), { ...NO_FILTERS, ...filters })).toBe(expected)
  })
})
