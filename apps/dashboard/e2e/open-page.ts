import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, expect, onTestFinished } from 'vitest'
import { ensureBrowser } from '../../../scripts/browsers.ts'

interface Options extends BrowserContextOptions {
  /** Complaints of the browser that the test provokes. */
  readonly mayComplain?: RegExp
}

let launched: Promise<Browser> | undefined
afterAll(async () => (await launched)?.close())

/** One browser for the tests of a file; each test has a context of its own. */
function browser(): Promise<Browser> {
  const executablePath = ensureBrowser('chromium')
  return (launched ??= chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }))
}

/** A page of a real browser. When the test ends, it fails if the page complained: an error, a refused style or script. */
export async function openPage({ mayComplain, ...options }: Options = {}): Promise<Page> {
  const context = await (await browser()).newContext({ viewport: { width: 1440, height: 900 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.setDefaultTimeout(30_000)
  onTestFinished(async () => {
    await context.close()
    expect(complaints.filter((complaint) => !mayComplain?.test(complaint))).toEqual([])
  })
  return page
}

/** Waits until something is as it should be; says what it was instead. */
export const eventually = <Value>(look: () => Promise<Value> | Value) =>
  expect.poll(look, { timeout: 30_000, interval: 50 })

/** The text of the first place that the selector names, its narrow spaces as plain ones. */
export async function textOf(page: Page, selector: string): Promise<string> {
  const text = await page.locator(selector).first().innerText()
  return text.replaceAll(/\s+/g, ' ')
}
