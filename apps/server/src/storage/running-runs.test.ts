import { expect, it } from 'vitest'
import { runningRuns } from './running-runs.ts'
import type { RunningRun } from './store.ts'

it.each([0, 1, 499, 500, 501, 1_500])('gives each of %i running runs once, page by page', async (count) => {
  const all = Array.from({ length: count }, (_, i): RunningRun => {
    return { id: `run-${String(i).padStart(5, '0')}`, last_arrival: 0, conditions: [] }
  })
  const running = async ({ limit, cursor = '0' }: { limit: number; cursor?: string | undefined }) => {
    const end = Number(cursor) + limit
    return { runs: all.slice(Number(cursor), end), next_cursor: end <= count ? String(end) : null }
  }
  const pages: (readonly RunningRun[])[] = []
  for await (const page of runningRuns({ running })) pages.push(page)
  expect(pages.flat()).toEqual(all)
  for (const page of pages) expect(page.length).toBeLessThanOrEqual(500)
})
