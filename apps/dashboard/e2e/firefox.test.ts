import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { ensureBrowser } from '../../../scripts/browsers.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

const capped = { clip: { mode: 'norm', max_norm: 1 } } as const
/** Firefox starts slowly beside other work. */
const PATIENCE = 60_000

const eventually = <Value>(look: () => Promise<Value>) =>
  expect.poll(look, { timeout: PATIENCE, interval: 100 })

let launched: Promise<Browser> | undefined
afterAll(async () => (await launched)?.close())

/** A page of a real Firefox; when the test ends, it fails if the page complained. */
async function openFirefox(): Promise<Page> {
  const executablePath = ensureBrowser('firefox')
  launched ??= puppeteer.launch({ browser: 'firefox', executablePath, timeout: PATIENCE })
  const page = await (await launched).newPage()
  page.setDefaultTimeout(PATIENCE)
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.setViewport({ width: 1440, height: 900 })
  onTestFinished(async () => {
    await page.close()
    expect(complaints).toEqual([])
  })
  return page
}

const textOf = (page: Page, selector: string) =>
  page.$eval(selector, (element) => (element as HTMLElement).innerText.replaceAll(/\s+/g, ' '))

/** How many different colours the first canvas in the element shows: one that nothing was drawn on has one. */
const coloursOf = (page: Page, selector: string) =>
  page.$eval(`${selector} canvas`, (element) => {
    const { width, height } = element as HTMLCanvasElement
    const data = (element as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? []
    const colours = new Set<number>()
    for (let i = 0; i < data.length; i += 4)
      colours.add(((data[i] as number) << 16) + ((data[i + 1] as number) << 8) + (data[i + 2] as number))
    return colours.size
  })

describe('in Firefox', { timeout: 3 * PATIENCE }, () => {
  it('a run is found, opened, read under the pointer, zoomed by hand and by keys', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send(
      'run',
      steps(1_001, (step) => (step < 500 ? quiet(step) : high(step))),
    )
    const page = await openFirefox()
    await page.goto(server.url)
    await page.locator('[data-run="run"] a').click()
    await page.waitForSelector('.chart .u-over')
    await eventually(() => coloursOf(page, '.chart')).toBeGreaterThan(10)
    await eventually(() => textOf(page, '.verdict')).toMatch(/flagged.*Clipping is saturated/)

    const over = await page.$('.chart .u-over')
    const { x, y, width, height } = (await over?.boundingBox()) ?? expect.unreachable()
    await page.mouse.move(x + 0.75 * width, y + height / 2)
    await eventually(() => textOf(page, 'section .legend')).toMatch(/^step 7[45]\d/)
    await page.mouse.down()
    await page.mouse.move(x + 0.8 * width, y + height / 2)
    await page.mouse.move(x + 0.9 * width, y + height / 2)
    await page.mouse.up()
    await eventually(() => textOf(page, '[role=toolbar] .range')).toMatch(/^steps 7[45]\d to (89|90)\d/)
    await page.keyboard.press('0')
    await eventually(() => textOf(page, '[role=toolbar] .range')).toMatch(/^steps 0 to 1 000/)
    await page.keyboard.press('m')
    await page.locator('[aria-label="Search metrics"]').fill('lr')
  })

  it('runs are compared, and new points show as they come', async () => {
    const server = await startServer()
    for (const id of ['a', 'b']) {
      await server.put(id, capped)
      await server.send(id, steps(200, id === 'a' ? quiet : high))
    }
    const page = await openFirefox()
    await page.goto(`${server.url}/compare?run=a&run=b`)
    await page.waitForSelector('.u-over')
    await eventually(() => coloursOf(page, '.u-wrap')).toBeGreaterThan(5)
    await eventually(() => textOf(page, 'main')).toContain('Clip rate')
    await page.goto(`${server.url}/runs/a`)
    await eventually(() => textOf(page, '[role=toolbar] .range')).toMatch(/^steps 0 to 199/)
    await server.send('a', steps(100, quiet, 200))
    await eventually(() => textOf(page, '[role=toolbar] .range')).toMatch(/^steps 0 to 299/)
  })
})
