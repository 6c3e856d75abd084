import { expect, it } from 'vitest'
import { KeptReading } from './kept-reading.ts'

/** A reading whose answers the test gives, one after the other. */
function asked({ share = 1 } = {}) {
  const questions: PromiseWithResolvers<string>[] = []
  const clock = { now: 0 }
  const read = () => {
    const question = Promise.withResolvers<string>()
    questions.push(question)
    return question.promise
  }
  const answer = (nth: number, text: string) => questions[nth]?.resolve(text)
  return { kept: new KeptReading(read, () => clock.now, share), questions, answer, clock }
}

it('lets all that come before the first answer wait for it', async () => {
  const { kept, questions, answer } = asked()
  const both = [kept.fresh(), kept.fresh()]
  answer(0, 'a')
  expect(await Promise.all(both)).toEqual(['a', 'a'])
  expect(await kept.fresh()).toBe('a')
  expect(questions).toHaveLength(1)
})

it('reads again for the next caller where a reading failed', async () => {
  const { kept, questions, answer } = asked()
  const first = kept.fresh()
  questions[0]?.reject(new Error('away'))
  await expect(first).rejects.toThrow('away')
  const second = kept.fresh()
  answer(1, 'b')
  expect(await second).toBe('b')
})

it('gives what it had to others while a stale one is read again', async () => {
  const { kept, answer, clock } = asked()
  const first = kept.fresh()
  answer(0, 'a')
  await first
  clock.now = 10_000
  const reader = kept.fresh()
  expect(await kept.fresh()).toBe('a')
  answer(1, 'b')
  expect(await reader).toBe('b')
  expect(await kept.fresh()).toBe('b')
})

it('lets who asks for a young one wait for the reading under way', async () => {
  const { kept, questions, answer, clock } = asked()
  const first = kept.fresh()
  answer(0, 'a')
  await first
  clock.now = 999
  expect(await kept.youngerThan(1_000)).toBe('a')
  clock.now = 1_000
  const both = [kept.youngerThan(1_000), kept.youngerThan(1_000)]
  answer(1, 'b')
  expect(await Promise.all(both)).toEqual(['b', 'b'])
  expect(questions).toHaveLength(2)
})

it('keeps nothing of a reading that began before it was told of a change', async () => {
  const { kept, answer } = asked()
  const before = kept.fresh()
  kept.forget()
  const after = kept.fresh()
  answer(1, 'new')
  expect(await after).toBe('new')
  answer(0, 'old')
  await before
  expect(await kept.fresh()).toBe('new')
})

it('reads less often where a reading takes long', async () => {
  const { kept, questions, answer, clock } = asked({ share: 0.001 })
  const first = kept.fresh()
  clock.now = 50
  answer(0, 'a')
  await first
  clock.now = 49_999
  await kept.fresh()
  expect(questions).toHaveLength(1)
  clock.now = 50_000
  void kept.fresh()
  expect(questions).toHaveLength(2)
})
