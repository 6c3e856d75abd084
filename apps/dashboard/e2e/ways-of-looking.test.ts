import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

async function startWithRun() {
  const server = await startServer()
  await server.put('run', { clip: { mode: 'norm', max_norm: 1 } })
  await server.send(
    'run',
    steps(1_000, (step) => (step < 600 ? quiet(step) : high(step))),
  )
  return server
}

describe('in other ways of looking, a person', () => {
  it('sees sharp charts and no sideways scrolling at 200% zoom', async () => {
    const server = await startWithRun()
    // A zoom of 200% is half the pixels of the page and twice those of the screen for each.
    const page = await openPage({ viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 })
    for (const path of ['/', '/runs/run', '/compare', '/channels', '/projects/default']) {
      await page.goto(server.url + path)
      await page.locator('h1').first().waitFor()
      const room = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect([path, room]).toEqual([path, 0])
    }
    await page.goto(`${server.url}/runs/run`)
    const canvas = page.locator('.chart canvas').first()
    await canvas.waitFor()
    expect(
      await canvas.evaluate((element) => (element as HTMLCanvasElement).width / element.clientWidth),
    ).toBe(2)
  })

  it('sees norms as small and as large as float64 holds, on both kinds of axis', async () => {
    const server = await startServer()
    const page = await openPage()
    for (const [id, norms] of Object.entries({
      small: [0.5, 1e-38],
      tiny: [5e-324, 1e-38],
      large: [1.7e308, 1e300],
      close: [1e20, 1e20 + 20_000],
    })) {
      await server.put(id)
      await server.send(
        id,
        steps(100, (step) => norms[step % 2] as number),
      )
      await page.goto(`${server.url}/runs/${id}`)
      const log = page.getByRole('button', { name: 'log axis of the norm' })
      for (let axis = 0; axis < 2; axis++) {
        await log.click()
        await eventually(() => bluePixels(page)).toBeGreaterThan(50)
      }
    }
  })

  it('keeps the hues of lines in forced colours, and outlines what is pressed', async () => {
    const server = await startWithRun()
    const page = await openPage({ forcedColors: 'active' })
    await page.goto(`${server.url}/runs/run`)
    await eventually(() => bluePixels(page)).toBeGreaterThan(200)
    const outline = (name: string) =>
      page
        .getByRole('button', { name, exact: true })
        .evaluate((button) => getComputedStyle(button).outlineStyle)
    expect(await outline('Step')).toBe('solid')
    expect(await outline('Smooth')).toBe('none')
    const span = page.getByRole('button', { name: /^Zoom to: Clipping is saturated/ })
    await span.waitFor()
    const ground = (element: Element) => getComputedStyle(element).backgroundColor
    expect(await span.evaluate(ground)).not.toBe(await page.locator('main').evaluate(ground))
  })

  it('prints all charts, those out of sight too, and nothing to press', async () => {
    const server = await startWithRun()
    const page = await openPage({ viewport: { width: 1440, height: 300 } })
    await page.goto(`${server.url}/runs/run`)
    await page.locator('.chart canvas').first().waitFor()
    const charts = await page.locator('.chart').count()
    const paper = await page.pdf({ format: 'A4' })
    expect(paper.subarray(0, 5).toString()).toBe('%PDF-')
    expect(await page.locator('.chart canvas').count()).toBe(charts)
    await page.emulateMedia({ media: 'print' })
    expect(await page.getByRole('toolbar').isVisible()).toBe(false)
    expect(await page.getByRole('button', { name: 'Delete' }).isVisible()).toBe(false)
    // a page on paper has nothing to unfold: the finding is told whole
    const told = page.locator('.why.short p').first()
    expect(await told.evaluate((words) => getComputedStyle(words).display)).toBe('block')
  })

  it('prints the charts of a dark page in the colours of paper, and has them dark again afterwards', async () => {
    const server = await startWithRun()
    const page = await openPage({ colorScheme: 'dark' })
    await page.goto(`${server.url}/runs/run`)
    // the blue of a norm on a dark page
    await eventually(() => pixelsLike(page, [86, 180, 233])).toBeGreaterThan(50)
    await page.evaluate(() =>
      addEventListener('beforeprint', () => {
        const canvas = document.querySelector<HTMLCanvasElement>('.chart canvas')
        const { width = 0, height = 0 } = canvas ?? {}
        const onPaper = canvas?.getContext('2d')?.getImageData(0, 0, width, height).data
        Object.assign(globalThis, { onPaper })
      }),
    )
    await page.pdf({ format: 'A4' })
    expect(await pixelsLike(page, [0, 114, 178], 'onPaper')).toBeGreaterThan(50)
    expect(await pixelsLike(page, [86, 180, 233], 'onPaper')).toBe(0)
    await eventually(() => pixelsLike(page, [86, 180, 233])).toBeGreaterThan(50)
  })

  it('is told by a screen reader what a chart shows', async () => {
    const server = await startWithRun()
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    const chart = page.getByRole('img', { name: /^Pre-clip gradient norm: / })
    await eventually(() => chart.getAttribute('aria-label')).toMatch(
      /: from 0\.3 to 5, newest [345]\.\d\d at step 999, above the cap since step 600$/,
    )
  })

  it('finds the keys of every page by ? or a button', async () => {
    const server = await startWithRun()
    const page = await openPage()
    for (const [path, key] of [
      ['/', 'next run'],
      ['/runs/run', 'follow the newest steps'],
      ['/compare', 'this list'],
    ] as const) {
      await page.goto(server.url + path)
      await page.locator('h1').first().waitFor()
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).getByText(key).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Keys' }).click()
      await page.getByRole('dialog', { name: 'Keys' }).getByText(key).waitFor()
    }
  })
})

/** Pixels of the norm's chart in which blue stands out. */
function bluePixels(page: Page): Promise<number> {
  return page
    .locator('.chart canvas')
    .first()
    .evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement
      const data =
        (element as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? []
      let count = 0
      for (let i = 0; i < data.length; i += 4)
        if ((data[i + 3] as number) > 200 && (data[i + 2] as number) > (data[i] as number) + 60) count++
      return count
    })
}

/** Pixels of the norm's chart that are very near a colour: of the one on the page, or of the one kept under a name. */
function pixelsLike(page: Page, colour: readonly number[], kept = ''): Promise<number> {
  return page.evaluate(
    ([wanted, name]) => {
      const canvas = document.querySelector<HTMLCanvasElement>('.chart canvas')
      const { width = 0, height = 0 } = canvas ?? {}
      const data =
        (globalThis as unknown as Record<string, Uint8ClampedArray>)[name] ??
        canvas?.getContext('2d')?.getImageData(0, 0, width, height).data ??
        []
      let count = 0
      for (let i = 0; i < data.length; i += 4)
        if (
          (data[i + 3] as number) > 250 &&
          wanted.every((value, channel) => Math.abs(value - (data[i + channel] as number)) < 12)
        )
          count++
      return count
    },
    [colour, kept] as const,
  )
}
