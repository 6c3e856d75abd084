import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

/** A run of 400 steps, above its cap of 1 from step 200 on, with a NaN, an event and a name that markup would break. */
async function openRun(options: Parameters<typeof openPage>[0] = {}) {
  const server = await startServer()
  await server.put('run', { name: 'a <b>run</b> & more', clip: { mode: 'norm', max_norm: 1 } })
  await server.send(
    'run',
    steps(400, (step) => (step === 50 ? 'NaN' : step < 200 ? quiet(step) : high(step))),
  )
  await server.call('POST', '/runs/run/events', { events: [{ step: 120, label: 'resumed' }] })
  const page = await openPage(options)
  await page.goto(`${server.url}/runs/run`)
  await page.locator('.u-over').first().waitFor()
  return page
}

describe('saving a chart of a run', () => {
  it('gives a drawing with title, run, cap, legend and axes that holds what is zoomed to', async () => {
    const page = await openRun()
    const whole = await saved(page, 'Pre-clip gradient norm', 'SVG drawing')
    expect(whole.name).toBe('run-grad_norm.svg')
    const words = await wordsOf(page, whole.content.toString())
    expect(words).toEqual(
      expect.arrayContaining([
        'Pre-clip gradient norm',
        expect.stringMatching(/^a <b>run<\/b> & more · .*steps 0 to 399 · every point$/),
        'max_norm 1',
        'above the cap',
        '1 not finite',
        'resumed, step 120',
        'norm (log axis)',
        'step',
      ]),
    )
    expect(whole.content.toString()).not.toMatch(/https?:(?!\/\/www\.w3\.org)|<script|href=/)

    await page.goto(`${page.url().split('?')[0]}?from=210&to=260`)
    await eventually(() => textOf(page, '[role=toolbar] .range')).toContain('steps 210 to 260')
    const zoomed = await saved(page, 'Pre-clip gradient norm', 'SVG drawing')
    expect(zoomed.name).toBe('run-grad_norm-210-260.svg')
    const seen = await wordsOf(page, zoomed.content.toString())
    expect(seen).toContainEqual(expect.stringContaining('steps 210 to 260'))
    expect(seen).not.toContain('1 not finite')
    expect(seen).not.toContain('resumed, step 120')
  })

  it('gives a picture in the colours of the page or of the other theme, by keys alone', async () => {
    const page = await openRun({ colorScheme: 'dark' })
    const button = page.getByRole('button', { name: 'Save the chart: Clip rate' })
    await button.focus()
    await page.keyboard.press('Enter')
    await eventually(() => focused(page)).toBe('PNG picture')
    await page.keyboard.press('ArrowUp')
    await eventually(() => focused(page)).toBe('SVG drawing, light')
    await page.keyboard.press('Escape')
    await eventually(() => page.getByRole('menu').count()).toBe(0)
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true)

    const dark = await saved(page, 'Clip rate', 'PNG picture')
    expect(dark.name).toBe('run-clip_rate.png')
    expect(await groundOf(page, dark.content)).toMatchObject({ width: 2000, isLight: false })
    const light = await saved(page, 'Clip rate', 'PNG picture, light')
    expect(await groundOf(page, light.content)).toMatchObject({ width: 2000, isLight: true })
  })

  it('loads the code that saves when a person saves', async () => {
    const page = await openRun()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await saved(page, 'Loss', 'SVG drawing')
    expect(asked.filter((url) => url.endsWith('.js'))).not.toEqual([])
  })
})

/** Presses the chart's button and an entry of its menu, and gives the file that the browser was handed. */
async function saved(page: Page, title: string, entry: string) {
  await page.getByRole('button', { name: `Save the chart: ${title}`, exact: true }).click()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: entry, exact: true }).click(),
  ])
  return { name: download.suggestedFilename(), content: await readFile(await download.path()) }
}

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent)

/** The texts of a drawing, as a parser of XML reads them. */
function wordsOf(page: Page, svg: string): Promise<string[]> {
  return page.evaluate((source) => {
    const drawing = new DOMParser().parseFromString(source, 'image/svg+xml')
    return [...drawing.querySelectorAll('text, parsererror')].map(({ textContent }) => textContent.trim())
  }, svg)
}

/** Width of a PNG, whether its corner is light, and so that it can be read at all. */
function groundOf(page: Page, png: Buffer) {
  return page.evaluate(async (base64) => {
    const image = new Image()
    image.src = `data:image/png;base64,${base64}`
    await image.decode()
    const canvas = document.createElement('canvas')
    const context = canvas.getContext('2d') as CanvasRenderingContext2D
    context.drawImage(image, 0, 0)
    const [red = 0, green = 0, blue = 0] = context.getImageData(2, 2, 1, 1).data
    return { width: image.naturalWidth, isLight: red + green + blue > 600 }
  }, png.toString('base64'))
}
