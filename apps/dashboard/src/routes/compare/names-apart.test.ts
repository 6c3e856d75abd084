import { expect, it } from 'vitest'
import { namesApart, shortNames } from './names-apart.ts'

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

it.each([
  [
    ['a-1/seed/output.log', 'a-2/seed/output.log'],
    ['a-1', 'a-2'],
  ],
  [
    ['lr/0.1', 'lr/0.01'],
    ['lr/0.1', 'lr/0.01'],
  ],
  [
    ['vit-small lr=0.0001', 'vit-small lr=0.0002'],
    ['lr=0.0001', 'lr=0.0002'],
  ],
  [
    ['sweep/first-long-name', 'sweep/second-long-name'],
    ['first-…ng-name', 'second…ng-name'],
  ],
  [
    ['a long name/log', '/log'],
    ['a long…ame/log', '/log'],
  ],
  [['alone, and long/log'], ['alone,…ong/log']],
])('shortens %j to 14 characters where they differ', (names, short) => {
  expect(shortNames(names, 14)).toEqual(short)
})
