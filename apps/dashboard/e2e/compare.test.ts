import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'
import { quiet, steps } from './training.ts'

const capped = { clip: { mode: 'norm', max_norm: 1 } } as const

/** Two runs of one loss: `slow` takes twice the steps. */
async function startWithPair() {
  const server = await startServer()
  for (const [id, pace] of Object.entries({ quick: 1, slow: 2 })) {
    await server.put(id, { ...capped, config: { pace, seed: 1 } })
    const columns = steps(400, quiet)
    await server.send(id, { ...columns, loss: columns.step.map((at) => 1 + 3 * Math.exp(-at / (80 * pace))) })
  }
  return server
}

describe('comparing runs', () => {
  it('compares runs chosen by keys, and says how much smoother one loss is', async () => {
    const server = await startServer()
    for (const [id, jump] of Object.entries({ rough: 1, smooth: 0.1 })) {
      await server.put(id, capped)
      const columns = steps(200, quiet)
      await server.send(id, { ...columns, loss: columns.step.map((at) => 3 + (at % 2) * jump) })
    }
    const page = await openPage()
    await page.goto(server.url)
    await page.getByRole('checkbox', { name: 'Select rough to compare' }).check()
    await page.getByRole('checkbox', { name: 'Select smooth to compare' }).check()
    await page.keyboard.press('c')
    await page.waitForURL(/\/compare\?run=rough&run=smooth$/)
    await page.getByText(/smooth: the loss is 10\s× smoother than in rough/).waitFor()
    const row = page.getByRole('row', { name: /^Loss roughness/ })
    await eventually(() => row.innerText()).toMatch(/1\s+0\.1\s+0\.1\s×/)
    await page.getByText(/One run a side/).waitFor()
  })

  it('sets runs side by side by the loss they reached, and says what that is', async () => {
    const server = await startWithPair()
    const page = await openPage()
    await page.goto(`${server.url}/compare?run=quick&run=slow`)
    await page.getByRole('button', { name: 'Loss reached' }).click()
    await page.getByText(/the lowest running median of the loss so far/).waitFor()
    await page.getByRole('heading', { name: 'Steps until it was reached' }).waitFor()
    await eventually(() => page.locator('.chart canvas').count()).toBe(2)
    await page.getByRole('button', { name: 'Step', exact: true }).click()
    await page.getByRole('heading', { name: 'Loss', exact: true }).waitFor()
    await page.getByRole('row', { name: /^pace 1 2$/ }).waitFor()
    expect(await page.getByRole('row', { name: /^seed/ }).count()).toBe(0)
  })

  it('zooms where one finger drags, and pans with two', async () => {
    const server = await startWithPair()
    const page = await openPage({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
    await page.goto(`${server.url}/compare?run=quick&run=slow`)
    const over = page.locator('.u-over').first()
    await over.scrollIntoViewIfNeeded()
    const { x, y, width, height } = (await over.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    const at = (share: number) => ({ x: x + share * width, y: y + height / 2 })
    const before = await series(page, server.url, () => drag(page, [[at(0.25)], [at(0.4)], [at(0.75)]]))
    expect(before.from).toBeGreaterThan(60)
    expect(before.from).toBeLessThan(140)
    expect(before.to).toBeGreaterThan(260)
    expect(before.to).toBeLessThan(340)
    const fingers = [0.3, 0.4, 0.5].map((share) => [at(share), at(share + 0.2)])
    const after = await series(page, server.url, () => drag(page, fingers))
    expect(after.from).toBeLessThan(before.from - 10)
    expect(after.to - after.from).toBeCloseTo(before.to - before.from, -1)
  })
})

/** Which steps the last request for a chart asks for that `act` brings about. */
async function series(page: Page, url: string, act: () => Promise<void>) {
  const asked: string[] = []
  const listen = (request: { url: () => string }) => {
    if (request.url().startsWith(`${url}/api/v1/runs/quick/series`)) asked.push(request.url())
  }
  page.on('request', listen)
  await act()
  await eventually(() => asked.length).toBeGreaterThan(0)
  page.off('request', listen)
  const query = new URL(asked.at(-1) as string).searchParams
  return { from: Number(query.get('from')), to: Number(query.get('to')) }
}

/** Fingers go down at the first places, move through the others, and are lifted. */
async function drag(page: Page, places: readonly (readonly { x: number; y: number }[])[]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  for (const [i, touchPoints] of places.entries()) {
    const points = touchPoints.map((point, id) => ({ ...point, id }))
    const type = i === 0 ? 'touchStart' : 'touchMove'
    await session.send('Input.dispatchTouchEvent', { type, touchPoints: points })
  }
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
}
