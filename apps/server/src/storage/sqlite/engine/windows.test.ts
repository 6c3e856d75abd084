import { expect, it } from 'vitest'
import { windows } from './windows.ts'

/** The windows of a list of so many rows, whose places are 1 to `count`. */
async function windowsOf(count: number, from?: number): Promise<[from: number, to: number][]> {
  const found: [number, number][] = []
  const placeAfter = (place = 0, rows: number) => (place + rows < count ? place + rows : undefined)
  for await (const window of windows<number>(from, placeAfter))
    found.push([window.from ?? 0, window.to ?? count])
  return found
}

it('covers every row once, in order, from any place on', async () => {
  for (const [count, from] of [
    [0, undefined],
    [1, undefined],
    [500, undefined],
    [501, undefined],
    [23_456, undefined],
    [23_456, 10_000],
  ] as const) {
    const found = await windowsOf(count, from)
    expect(found[0]?.[0]).toBe(from ?? 0)
    expect(found.at(-1)?.[1]).toBe(count)
    found.slice(1).forEach(([begin], i) => expect(begin).toBe(found[i]?.[1]))
  }
})

it('is one window for a short list, and serves others between those of a long one', async () => {
  expect(await windowsOf(400)).toHaveLength(1)
  let isServed = false
  setImmediate(() => (isServed = true))
  const found = await windowsOf(30_000)
  expect(found.length).toBeGreaterThan(3)
  expect(isServed).toBe(true)
})
