/** `npm run bench:dashboard`: size of the pages, a run's page with a million steps, and ten live charts, in Chromium. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { ensureBrowser } from '../../scripts/browsers.ts'
import { load, machine, median, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'

const BUILD = join(import.meta.dirname, '../../apps/dashboard/build')
const CAP = { clip: { mode: 'norm', max_norm: 1 } } as const
const BATCH = 10_000
const STEPS = 1_000_000
const ROUNDS = 7
const LIVE_SECONDS = 15
/** Metrics of the live run in addition to norm, clip rate and loss. Together they make ten charts. */
const METRICS = Array.from({ length: 7 }, (_, i) => `metric_${i}`)

const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
const server = await ServerProcess.start(folder)
const browser = await chromium.launch({
  executablePath: ensureBrowser('chromium'),
  args: ['--no-sandbox', '--disable-gpu'],
})
try {
  await server.put('long', CAP)
  for (let from = 0; from < STEPS; from += BATCH) await server.post('long', columns(from, BATCH))
  const results = {
    ...machine(),
    gzipBytes: await weight(browser),
    millionSteps: await millionSteps(browser),
    tenLiveCharts: await tenLiveCharts(browser),
  }
  console.log(results)
  await writeResults(import.meta.dirname, results)
} finally {
  await browser.close()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}

function columns(from: number, count: number, metrics: readonly string[] = []) {
  const step = Array.from({ length: count }, (_, i) => from + i)
  const grad_norm = step.map((at) => 0.7 + 0.4 * Math.sin(at / 900) + 0.2 * Math.sin(at * 12.9898))
  const loss = step.map((at) => 2 + Math.exp(-at / 100_000))
  return { step, grad_norm, loss, ...Object.fromEntries(metrics.map((name) => [name, grad_norm])) }
}

/** Gzipped bytes of scripts and styles that the list of runs and then a run's page load before they are drawn. */
async function weight(of: Browser): Promise<number> {
  const page = await of.newPage()
  const sizes = new Map<string, number>()
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (/\.(js|css)$/.test(pathname)) sizes.set(pathname, statSync(join(BUILD, `${pathname}.gz`)).size)
  })
  await page.goto(server.url)
  await page.locator('[data-run] a').first().click()
  await page.locator('.u-over').first().waitFor()
  await page.close()
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}

/** Milliseconds from the request of the page until its first chart is drawn, with scripts already in the browser's cache. */
async function millionSteps(of: Browser) {
  const context = await of.newContext({ viewport: { width: 1440, height: 900 } })
  const taken: number[] = []
  const cpu: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const page = await context.newPage()
    const session = await context.newCDPSession(page)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
    await page.addInitScript(`
      new MutationObserver((_, observer) => {
        if (!document.querySelector('.u-over')) return
        observer.disconnect()
        requestAnimationFrame(() => setTimeout(() => (globalThis.drawnAt = performance.now()), 0))
      }).observe(document, { childList: true, subtree: true })`)
    await page.goto(`${server.url}/runs/long`)
    const drawnAt = await page.evaluate(`new Promise((done) => {
      const look = () => (globalThis.drawnAt === undefined ? setTimeout(look, 5) : done(globalThis.drawnAt))
      look()
    })`)
    const { metrics } = await session.send('Performance.getMetrics')
    // The first round fills the cache of the browser.
    if (round > 0) {
      taken.push(Number(drawnAt))
      cpu.push(1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN))
    }
    await page.close()
  }
  await context.close()
  const whole = (value: number) => Math.round(value)
  return {
    loadAverage: load(),
    milliseconds: whole(median(taken)),
    fastest: whole(Math.min(...taken)),
    mainThreadMilliseconds: whole(median(cpu)),
  }
}

/** Ten charts of a run that gets 20 points a second: long tasks, frames and processor time of the page. */
async function tenLiveCharts(of: Browser) {
  await server.put('live', CAP)
  await server.post('live', columns(0, 2_000, METRICS))
  const context = await of.newContext({ viewport: { width: 1440, height: 2400 } })
  const page = await context.newPage()
  const query = new URLSearchParams(METRICS.map((name): [string, string] => ['chart', name]))
  await page.goto(`${server.url}/runs/live?${query}`)
  await page.locator('.chart canvas').nth(8).waitFor()
  await page.waitForTimeout(3_000)
  const session = await context.newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const measured = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return (name: string) => metrics.find((metric) => metric.name === name)?.value ?? NaN
  }
  await page.evaluate(`
    globalThis.long = []
    globalThis.frames = []
    new PerformanceObserver((list) => globalThis.long.push(...list.getEntries().map((entry) => entry.duration)))
      .observe({ type: 'longtask' })
    let before = performance.now()
    const frame = (now) => { globalThis.frames.push(now - before); before = now; requestAnimationFrame(frame) }
    requestAnimationFrame(frame)`)
  const begin = await measured()
  const until = performance.now() + LIVE_SECONDS * 1000
  let from = 2_000
  for (; performance.now() < until; from += 2) {
    await server.post('live', columns(from, 2, METRICS))
    await page.waitForTimeout(100)
  }
  const end = await measured()
  const long = (await page.evaluate('globalThis.long')) as number[]
  const frames = (await page.evaluate('globalThis.frames')) as number[]
  const charts = await page.locator('.chart canvas').count()
  await context.close()
  const share = (name: string) => Math.round((1000 * (end(name) - begin(name))) / LIVE_SECONDS)
  return {
    loadAverage: load(),
    charts,
    points: from - 2_000,
    frames: frames.length,
    framesOver50Milliseconds: frames.filter((gap) => gap > 50).length,
    longTasks: long.length,
    longestTaskMilliseconds: Math.round(Math.max(0, ...long)),
    mainThreadMillisecondsASecond: share('TaskDuration'),
    scriptMillisecondsASecond: share('ScriptDuration'),
  }
}
