import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'

/** What `page-notes.js` records in the page. */
interface Notes {
  readonly frames: number[]
  readonly longTasks: number[]
}

const NORM_CHART = '[aria-label^="Pre-clip gradient norm"]'
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
/** Wheel turns, and pan moves, in one round. */
const MOVES = 60
const VISITS = 8

/** Opens a run's page in a fresh profile each time. Measures the time to draw the norm, and frames while zooming and panning. */
export async function runPage(url: string) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const drawn: number[] = []
    for (let visit = 0; visit < VISITS - 1; visit++) {
      const { context, drawnAt } = await visitUntilDrawn(browser, url)
      drawn.push(drawnAt)
      await context.close()
    }
    const { page, drawnAt } = await visitUntilDrawn(browser, url)
    const lastVisit = await page.evaluate<object>('notes.way()')
    const columns = await page.evaluate<number>('notes.paintedColumns()')
    if (columns < 0.9) throw new Error(`only ${columns} of the chart's columns show the norm's colour`)
    await page.waitForTimeout(1000)
    const still = await smoothness(page, async () => page.waitForTimeout(2000))
    const moved = await smoothness(page, () => zoomAndPan(page))
    // The first visit is reported separately, because the browser has just started.
    return {
      drawnFirstVisit: drawn[0],
      drawn: [...drawn.slice(1), drawnAt],
      lastVisit,
      columns,
      still,
      moved,
    }
  } finally {
    await browser.close()
  }
}

async function visitUntilDrawn(browser: Browser, url: string) {
  // bypassCSP, because the page's Content-Security-Policy forbids evaluating script text.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, bypassCSP: true })
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  await page.addInitScript({ path: join(import.meta.dirname, 'page-notes.js') })
  // The server may still be busy with the last requests of the visit before.
  await page.waitForTimeout(1000)
  await page.goto(url, { waitUntil: 'commit' })
  // Waits this way, because Playwright's own waiting functions run scripts in the page meanwhile.
  const { result } = await session.send('Runtime.evaluate', {
    expression: 'notes.normDrawn',
    awaitPromise: true,
  })
  return { context, page, drawnAt: Math.round(result.value) }
}

async function smoothness(page: Page, work: () => Promise<void>) {
  await page.evaluate('notes.frames.length = notes.longTasks.length = 0')
  await work()
  const { frames, longTasks } = await page.evaluate<Notes>('notes')
  const gaps = frames.slice(1).map((at, i) => at - (frames[i] as number))
  return {
    frames: frames.length,
    longestFrame: Math.round(Math.max(...gaps)),
    framesOver50: gaps.filter((gap) => gap > 50).length,
    longTasks: longTasks.map((milliseconds) => Math.round(milliseconds)),
  }
}

/** Zooms in and out with Ctrl+wheel, then pans back and forth with Shift+drag, one move per frame, as by hand. */
async function zoomAndPan(page: Page): Promise<void> {
  const box = await page.locator(NORM_CHART).boundingBox()
  if (box === null) throw new Error('the norm has no chart')
  const [x, y] = [box.x + box.width * 0.6, box.y + box.height / 2]
  await page.mouse.move(x, y)
  await page.keyboard.down('Control')
  for (let turn = 0; turn < MOVES; turn++) {
    await page.mouse.wheel(0, turn < MOVES * 0.6 ? -100 : 100)
    await page.waitForTimeout(16)
  }
  await page.keyboard.up('Control')
  await page.keyboard.down('Shift')
  await page.mouse.down()
  for (let move = 0; move < MOVES; move++) {
    await page.mouse.move(x + 250 * Math.sin((move / MOVES) * 2 * Math.PI), y)
    await page.waitForTimeout(16)
  }
  await page.mouse.up()
  await page.keyboard.up('Shift')
  await page.waitForTimeout(500)
}
