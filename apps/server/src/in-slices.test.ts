import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { inSlices, othersTurns, requestEnds, shortRequestBegins } from './in-slices.ts'

const request = {}
afterEach(() => requestEnds(request))

/** Keeps the thread for some milliseconds, longer than a slice. */
function busy(): void {
  const until = performance.now() + 3
  while (performance.now() < until);
}

/** Work of so many long slices, which tells `said` of each. */
function* work(name: string, slices: number, said: string[]): Generator<undefined, string> {
  for (let i = 0; i < slices; i++) {
    said.push(`${name}${i}`)
    busy()
    yield
  }
  return name
}

it('gives the result of work in slices, and lets others be served in between', async () => {
  const said: string[] = []
  const done = inSlices(work('a', 3, said))
  setImmediate(() => said.push('other'))
  await expect(done).resolves.toBe('a')
  expect(said.indexOf('other')).toBeLessThan(said.indexOf('a2'))
})

it('begins no slice while a short request is answered, also while that waits for the disk', async () => {
  const said: string[] = []
  shortRequestBegins(request)
  const done = inSlices(work('a', 2, said))
  await sleep(1)
  said.push('answered')
  requestEnds(request)
  await done
  expect(said).toEqual(['a0', 'answered', 'a1'])
})

it('goes on after some milliseconds where a request is answered late, or others follow without end', async () => {
  const said: string[] = []
  shortRequestBegins(request)
  const again = setInterval(() => shortRequestBegins(request), 1)
  try {
    await expect(inSlices(work('a', 5, said))).resolves.toBe('a')
  } finally {
    clearInterval(again)
  }
})

it('runs one slice at a time, however much long work there is', async () => {
  const rested: string[] = []
  const began = performance.now()
  shortRequestBegins(request)
  const again = setInterval(() => shortRequestBegins(request), 1)
  try {
    await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        await othersTurns()
        rested.push(name)
      }),
    )
  } finally {
    clearInterval(again)
  }
  expect(rested).toEqual(['a', 'b', 'c'])
  // each rested behind the other: at once they would have taken a third of it
  expect(performance.now() - began).toBeGreaterThan(10)
})
