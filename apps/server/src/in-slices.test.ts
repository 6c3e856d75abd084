import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { inSlices, othersTurns, requestEnds, shortRequestBegins } from './in-slices.ts'

const request = {}
let others: NodeJS.Timeout | undefined
// the clock stands still but where a test says so: a busy machine changes nothing
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => {
  clearInterval(others)
  requestEnds(request)
  vi.useRealTimers()
})

const pass = (milliseconds: number) => void vi.advanceTimersByTime(milliseconds)

/** Work of so many slices of 3 ms, which tells `said` of each. */
function* work(name: string, slices: number, said: string[]): Generator<undefined, string> {
  for (let i = 0; i < slices; i++) {
    said.push(`${name}${i}`)
    pass(3)
    yield
  }
  return name
}

/** One short request after the other begins, each a millisecond after the one before. */
function keepAsking(): void {
  shortRequestBegins(request)
  others = setInterval(() => {
    pass(1)
    shortRequestBegins(request)
  }, 1)
}

it('gives the result of work in slices, and lets others be served in between', async () => {
  const said: string[] = []
  const done = inSlices(work('a', 3, said))
  setImmediate(() => said.push('other'))
  await expect(done).resolves.toBe('a')
  expect(said.slice(0, 3)).toEqual(['a0', 'other', 'a1'])
})

it('begins no slice while a short request is answered, also while that waits for the disk', async () => {
  const said: string[] = []
  const done = inSlices(work('a', 2, said))
  shortRequestBegins(request)
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  said.push('answered')
  requestEnds(request)
  await done
  expect(said).toEqual(['a0', 'answered', 'a1'])
})

it('begins no slice while an older short request is answered, though a newer one has ended', async () => {
  const said: string[] = []
  const newer = {}
  const done = inSlices(work('a', 2, said))
  shortRequestBegins(request)
  shortRequestBegins(newer)
  requestEnds(newer)
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  said.push('answered')
  requestEnds(request)
  await done
  expect(said).toEqual(['a0', 'answered', 'a1'])
})

it('goes on after some milliseconds where others follow without end', async () => {
  keepAsking()
  await expect(inSlices(work('a', 5, []))).resolves.toBe('a')
})

it('goes on after some milliseconds where a request is answered late', async () => {
  shortRequestBegins(request)
  others = setInterval(() => pass(1), 1)
  await expect(inSlices(work('a', 3, []))).resolves.toBe('a')
})

it('lets all long work wait in one queue: each rests behind the one before', async () => {
  const began = performance.now()
  keepAsking()
  const rested: string[] = []
  await Promise.all(['a', 'b', 'c'].map((name) => othersTurns().then(() => rested.push(name))))
  expect(rested).toEqual(['a', 'b', 'c'])
  expect(performance.now() - began).toBeGreaterThanOrEqual(12)
})
