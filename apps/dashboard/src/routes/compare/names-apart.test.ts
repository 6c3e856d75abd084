import { expect, it } from 'vitest'
import { namesApart } from './names-apart.ts'

it('gives runs of one name the end of their ids, and leaves other names alone', () => {
  const runs = [
    { id: 'run-000001', name: 'sweep' },
    { id: 'run-000002', name: 'sweep' },
    { id: 'a', name: 'baseline' },
  ]
  expect(namesApart(runs)).toEqual(['sweep 000001', 'sweep 000002', 'baseline'])
})

it('takes more of ids that end alike, all of them where they must be told apart', () => {
  const runs = [
    { id: 'first-seed-0', name: 'x' },
    { id: 'second-seed-0', name: 'x' },
    { id: 'x', name: 'x' },
  ]
  expect(namesApart(runs)).toEqual(['x first-seed-0', 'x econd-seed-0', 'x x'])
})
