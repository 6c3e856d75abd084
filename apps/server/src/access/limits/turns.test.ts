import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Turns } from './turns.ts'

it('lets everybody else in between two pieces of one who asks for much', async () => {
  const turns = new Turns()
  const done: string[] = []
  const work = (name: string, times: number) =>
    Promise.all(
      Array.from({ length: times }, async (_, i) => (await turns.take(name), done.push(`${name}${i}`))),
    )
  const greedy = work('a', 4)
  await work('b', 1)
  expect(done).toEqual(['a0', 'b0'])
  await turn()
  await work('c', 1)
  expect(done.slice(-1)).toEqual(['c0'])
  await greedy
  expect(done.filter((piece) => piece.startsWith('a'))).toEqual(['a0', 'a1', 'a2', 'a3'])
})

it('waits for nobody who asks once a turn', async () => {
  const turns = new Turns()
  for (let i = 0; i < 3; i++) {
    let began = false
    void turns.take('a').then(() => (began = true))
    await Promise.resolve()
    await Promise.resolve()
    expect(began).toBe(true)
    await turn()
    await turn()
  }
})
