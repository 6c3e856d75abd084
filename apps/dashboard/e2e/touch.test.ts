import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { between, swipe } from './fingers.ts'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'
import { quiet, steps } from './training.ts'

const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }
const norm = 'section:has(h2:text("Pre-clip gradient norm"))'
const range = '[role=toolbar] .range'

/** A phone that shows the norm of 1,001 steps. */
async function openOnPhone() {
  const server = await startServer()
  await server.put('run', { clip: { mode: 'norm', max_norm: 1 } })
  await server.send('run', steps(1_001, quiet))
  const page = await openPage(phone)
  await page.goto(`${server.url}/runs/run`)
  await page.locator(`${norm} .u-over`).first().waitFor()
  await page.locator(`${norm} .u-over`).first().scrollIntoViewIfNeeded()
  return page
}

/** Where fingers go on the norm's chart: shares of its width and height from its upper left corner. */
async function onChart(page: Page) {
  const box = await page.locator(`${norm} .u-over`).first().boundingBox()
  if (box === null) throw new Error('The chart has no place on the page.')
  return (x: number, y = 0.5) => ({ x: box.x + x * box.width, y: box.y + y * box.height })
}

/** Both ends of the steps on the screen. */
async function shown(page: Page): Promise<number[]> {
  const text = (await textOf(page, range)).replaceAll(/(?<=\d) (?=\d)/g, '')
  return /steps (\d+) to (\d+)/.exec(text)?.slice(1).map(Number) ?? []
}

describe('fingers on the charts of a run', () => {
  it('tap to read what is there, and scroll the page up and down', async () => {
    const page = await openOnPhone()
    const at = await onChart(page)
    await swipe(page, [[at(0.5)]])
    await eventually(() => textOf(page, `${norm} .legend`)).toMatch(/^step (49\d|50\d) /)
    const before = await page.evaluate<number>('scrollY')
    const [from, to] = [at(0.5, 0.9), { ...at(0.5), y: at(0.5).y - 150 }]
    await swipe(page, between([from], [to]))
    await eventually(() => page.evaluate<number>('scrollY')).toBeGreaterThan(before + 50)
    expect(await shown(page)).toEqual([0, 1000])
  })

  it('zoom with one, pan and stretch with two, and show everything again with two taps', async () => {
    const page = await openOnPhone()
    const at = await onChart(page)
    await swipe(page, between([at(0.25)], [at(0.75)]))
    await eventually(() => textOf(page, range)).toMatch(/^steps 2[45]\d to 7[45]\d/)
    await swipe(page, between([at(0.3), at(0.5)], [at(0.5), at(0.7)]))
    await eventually(() => textOf(page, range)).toMatch(/^steps 1[45]\d to 6[45]\d/)
    await swipe(page, between([at(0.4), at(0.6)], [at(0.1), at(0.9)]))
    await eventually(async () => (await shown(page))[0]).toBeGreaterThan(300)
    const [from = 0, to = 0] = await shown(page)
    expect(to - from).toBeLessThan(160)
    expect((to + from) / 2).toBeCloseTo(400, -1)
    await page.touchscreen.tap(at(0.5).x, at(0.5).y)
    await page.touchscreen.tap(at(0.5).x, at(0.5).y)
    await eventually(() => shown(page)).toEqual([0, 1000])
  })

  it('drag the cap that is tried', async () => {
    const page = await openOnPhone()
    await page.getByRole('button', { name: 'Try another cap' }).tap()
    const slider = page.getByRole('slider', { name: 'Cap to try' })
    await slider.scrollIntoViewIfNeeded()
    const box = (await slider.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    const at = (share: number) => ({ x: box.x + share * box.width, y: box.y + box.height / 2 })
    await swipe(page, between([at(0.9)], [at(0.2)]))
    const low = Number(/[\d.]+/.exec((await slider.getAttribute('aria-valuetext')) ?? '')?.[0])
    await swipe(page, between([at(0.2)], [at(0.8)]))
    await eventually(async () =>
      Number(/[\d.]+/.exec((await slider.getAttribute('aria-valuetext')) ?? '')?.[0]),
    ).toBeGreaterThan(low)
    await page.getByText(/would have clipped/).waitFor()
  })

  it('read the heat map of the layers, whatever its names are', async () => {
    const server = await startServer()
    await server.put('run')
    const columns = steps(50, quiet)
    const name = (i: number) => `model.transformer.blocks.${i}.self_attention.query_key_value.weight`
    const layers = Object.fromEntries([1, 2, 3].map((i) => [name(i), columns.step.map(() => i)]))
    await server.call('POST', '/runs/run/points', { columns: { ...columns, layers } })
    const page = await openPage(phone)
    await page.goto(`${server.url}/runs/run/layers`)
    const map = page.getByRole('img', { name: /^Heat map of 3 layers/ })
    const box = (await map.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    expect(box.width).toBeGreaterThan(180)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(phone.viewport.width)
    await swipe(page, [[{ x: box.x + box.width / 2, y: box.y + box.height / 2 }]])
    await eventually(() => textOf(page, '.legend')).toMatch(/blocks\.2\..* at step 2[456]: 2$/)
    await map.press('ArrowDown')
    await eventually(() => textOf(page, '.legend')).toMatch(/blocks\.3\..* at step 2[456]: 3$/)
  })
})
