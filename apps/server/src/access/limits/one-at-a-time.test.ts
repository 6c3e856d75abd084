import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { OneAtATime } from './one-at-a-time.ts'

it('begins the next piece of a name when the one before has ended, well or not, and keeps no other name waiting', async () => {
  const one = new OneAtATime()
  const said: string[] = []
  const piece = (name: string) => async () => {
    said.push(`${name} begins`)
    await turn()
    said.push(`${name} ends`)
    if (name === 'a1') throw new Error('a1')
    return name
  }
  const results = await Promise.allSettled([
    one.run('a', piece('a1')),
    one.run('a', piece('a2')),
    one.run('b', piece('b1')),
  ])
  expect(said.filter((what) => what.startsWith('a'))).toEqual([
    'a1 begins',
    'a1 ends',
    'a2 begins',
    'a2 ends',
  ])
  expect(said.indexOf('b1 begins')).toBeLessThan(said.indexOf('a1 ends'))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  await expect(one.run('a', piece('a3'))).resolves.toBe('a3')
})
