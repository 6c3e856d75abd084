import type { Run } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { filtersOf, matches, NO_FILTERS, queryOf } from '#lib/state/filters.ts'
import { RowTable, type RowChange } from './row-table.ts'

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
const before = RowTable.empty.followedBy([make('b'), make('a'), make('c', { status: 'finished' })])
const after = (...changes: RowChange[]) => before.updated(changes, NO_FILTERS)
const ids = (table: RowTable) => table.rows.map(({ id }) => id)

describe('the rows', () => {
  it('keep their places while judgements stay, with what is new in them', () => {
    const table = after(['a', make('a', { points: 9 })]).arranged(NO_FILTERS)
    expect(ids(table)).toEqual(['b', 'a', 'c'])
    expect(table.rows[1]).toMatchObject({ points: 9 })
  })
  it('bring a run that became flagged to the top, and a new run to the top of its rank', () => {
    const table = after(['c', make('c', { health: 'flagged' })], ['d', make('d')]).arranged(NO_FILTERS)
    expect(ids(table)).toEqual(['c', 'd', 'b', 'a'])
    expect(ids(table.arranged(NO_FILTERS))).toEqual(['c', 'd', 'b', 'a'])
  })
  it('move nothing before they are arranged, but let a deleted run go at once', () => {
    expect(ids(after(['a', make('a', { health: 'flagged' })], ['d', make('d')]))).toEqual(['b', 'a', 'c'])
    expect(ids(after(['a', undefined]))).toEqual(['b', 'c'])
  })
  it('fetched anew keep their places until they are arranged', () => {
    const page = [make('c', { health: 'flagged' }), make('d'), make('b')]
    expect(ids(before.replacedBy(page))).toEqual(['b', 'c'])
    expect(ids(before.replacedBy(page).arranged(NO_FILTERS))).toEqual(['c', 'd', 'b'])
  })
  it('hold only what passes the filters', () => {
    const filters = { ...NO_FILTERS, health: 'ok' }
    const changes: RowChange[] = [
      ['a', make('a', { health: 'watch' })],
      ['d', make('d', { health: 'watch' })],
    ]
    expect(ids(before.updated(changes, filters).arranged(filters))).toEqual(['b', 'c'])
  })
  it('go on with the next page, a run that is on both only once', () => {
    expect(ids(before.followedBy([make('c'), make('e')]))).toEqual(['b', 'a', 'c', 'e'])
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
