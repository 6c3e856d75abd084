import type { Clip, Run } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { formOf, patchOf } from './edit-form.ts'

const run = { name: 'a', tags: ['x'], notes: '', clip: { mode: 'norm', max_norm: 1 } } as unknown as Run
const patched = (over: Partial<ReturnType<typeof formOf>>, clip: Clip = run.clip) => {
  const before = { ...run, clip }
  return patchOf(before, { ...formOf(before), ...over })
}

describe('editing a run', () => {
  it('sends nothing when nothing changed, and only what did', () => {
    expect(patched({})).toEqual({})
    expect(patched({ name: 'b', tags: '#x, y,y' })).toEqual({ name: 'b', tags: ['x', 'y'] })
  })
  it.each([
    [{ cap: '2.5' }, { clip: { mode: 'norm', max_norm: 2.5 } }],
    [{ mode: 'value' as const, cap: '0.5' }, { clip: { mode: 'value', clip_value: 0.5 } }],
    [{ mode: 'none' as const, cap: '' }, { clip: { mode: 'none', max_norm: null } }],
    [{ cap: '0' }, undefined],
    [{ cap: 'one' }, undefined],
    [{ cap: '' }, undefined],
  ])('reads the cap of %o', (over, patch) => expect(patched(over)).toEqual(patch))
  it('keeps the threshold of clipping by value, and an unset reference cap', () => {
    expect(patched({ cap: '2' }, { mode: 'value', clip_value: 1, fraction_threshold: 0.2 })).toEqual({
      clip: { mode: 'value', clip_value: 2, fraction_threshold: 0.2 },
    })
    expect(patched({}, { mode: 'none' })).toEqual({})
  })
})
