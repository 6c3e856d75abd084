import { globSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { FindingList } from '@normwatch/protocol'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

const build = resolve(import.meta.dirname, '../build')

/** Counts in `shift` what moves on a page by itself. */
const ADD_UP_SHIFTS = `
  new PerformanceObserver((list) => {
    for (const { value } of list.getEntries()) shift += value
  }).observe({ type: 'layout-shift', buffered: true })
`

async function startWithRun() {
  const server = await startServer()
  await server.put('run', {
    name: 'a-run-with-a-name-that-is-much-longer-than-any-phone-is-wide-and-has-no-spaces',
    project: 'a project with a long name too',
    tags: ['first-tag', 'second-tag', 'third-tag'],
    clip: { mode: 'none', max_norm: 12.25 },
  })
  await server.send('run', steps(300, high))
  return server
}

describe('the look', () => {
  it.each([360, 768, 1000, 1440])('needs no sideways scrolling at %i pixels', async (width) => {
    const server = await startWithRun()
    const page = await openPage({ viewport: { width, height: 800 } })
    for (const [path, part] of [
      ['/', '[data-run]'],
      ['/runs/run', '.u-over'],
    ] as const) {
      await page.goto(server.url + path)
      await page.locator(part).first().waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    }
  })

  it('has bars of clip rates that are equally wide, and cards whose figures say what they are', async () => {
    const server = await startServer()
    for (const [id, quietSteps] of [
      ['always', 0],
      ['nearly', 1],
      ['half', 500],
    ] as const) {
      await server.put(id, { clip: { mode: 'norm', max_norm: 1 } })
      await server.send(
        id,
        steps(1_000, (step) => (step < quietSteps ? 0.5 : high(step))),
      )
    }
    const page = await openPage({ viewport: { width: 1024, height: 800 } })
    await page.goto(server.url)
    const bars = page.locator('[data-run] .track')
    await eventually(() => bars.count()).toBe(3)
    const widths = await bars.evaluateAll((all) => all.map((bar) => bar.getBoundingClientRect().width))
    expect(new Set(widths).size).toBe(1)
    await page.setViewportSize({ width: 390, height: 800 })
    const after = (selector: string) =>
      page
        .locator(`[data-run=always] ${selector}`)
        .evaluate((part) => getComputedStyle(part, '::after').content)
    await eventually(() => after('.clipped')).toBe('"clipped"')
    expect(await after('.norm b')).toBe('" cap"')
  })

  it('costs at most 130 KB of code and style, both pages together', async () => {
    const server = await startWithRun()
    const page = await openPage()
    const sizes = new Map<string, number>()
    page.on('request', (request) => {
      const { pathname } = new URL(request.url())
      if (/\.(js|css)$/.test(pathname)) sizes.set(pathname, statSync(join(build, `${pathname}.gz`)).size)
    })
    await page.goto(server.url)
    await page.locator('[data-run] a').click()
    await page.locator('.u-over').first().waitFor()
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    expect(total).toBeGreaterThan(20_000)
    expect(total).toBeLessThanOrEqual(130 * 1024)
  })

  it('is built for use and not for development, whoever builds it', async () => {
    await startWithRun()
    const scripts = globSync('_app/immutable/**/*.js', { cwd: build })
    expect(scripts.length).toBeGreaterThan(10)
    // Svelte's checks of development name the source of each component.
    expect(scripts.filter((path) => readFileSync(join(build, path), 'utf8').includes('src/routes/'))).toEqual(
      [],
    )
  })

  it('names in the page of a run all that the page is made of, so that nothing waits for a script to run', async () => {
    const server = await startWithRun()
    const page = await openPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    const response = await page.goto(`${server.url}/runs/run`)
    const html = String(await response?.text())
    await page.locator('.u-over').first().waitFor()
    const code = asked.filter((path) => /\.(js|css)$/.test(path))
    expect(code.length).toBeGreaterThan(5)
    expect(code.filter((path) => !html.includes(path))).toEqual([])
    const questions = html.match(/href="[^"]*" rel="preload" as="fetch"/g)
    expect(questions).toHaveLength(6)
    // What was asked early is not asked again.
    const facts = asked.filter(
      (path) => /\/(session|runs\/run|settings|findings|series)$/.test(path) && path.startsWith('/api'),
    )
    expect(facts).toHaveLength(6)
  })

  it('draws the norm of a run at rest once, and moves nothing when more comes', async () => {
    const server = await startServer()
    await server.put('run', { clip: { mode: 'norm', max_norm: 1 } })
    await server.send('run', steps(300, high))
    const explained = async () => (await server.call<FindingList>('GET', '/findings')).findings[0]?.explained
    await eventually(explained).toBe(true)
    const page = await openPage()
    await page.addInitScript(`
      globalThis.drawings = globalThis.shift = 0
      const { clearRect } = CanvasRenderingContext2D.prototype
      CanvasRenderingContext2D.prototype.clearRect = function (...area) {
        if (this.canvas.closest('[aria-label^="Pre-clip gradient norm"]')) drawings++
        return clearRect.apply(this, area)
      }
      ${ADD_UP_SHIFTS}
    `)
    const told = new Promise((resolve) =>
      page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => resolve(payload))),
    )
    await page.goto(`${server.url}/runs/run`)
    await page.getByText('median', { exact: true }).waitFor()
    await page.getByLabel('Notified').waitFor()
    expect(String(await told)).toContain('"run"')
    expect(await page.evaluate('drawings')).toBe(1)
    expect(await page.evaluate('shift')).toBeLessThan(0.01)
  })

  it('answers in 160 pixels, and moves no chart when onsets and events come above it, each with a label and 24 pixels to hit', async () => {
    const server = await startServer()
    await server.put('run', { clip: { mode: 'norm', max_norm: 1 }, config: { lr: 0.001 } })
    const columns = steps(1_000, (step) => (step < 500 ? quiet(step) : high(step)))
    await server.send('run', { ...columns, tokens: columns.step.map((step) => (step < 490 ? 1 : 9)) })
    await server.call('POST', '/runs/run/events', { events: [{ step: 200, label: 'checkpoint' }] })
    const found = async () => (await server.call<FindingList>('GET', '/findings?state=open')).findings
    await eventually(async () => (await found()).map(({ kind, explained }) => [kind, explained])).toEqual([
      ['clip_saturated', true],
    ])
    const page = await openPage()
    await page.addInitScript(`globalThis.shift = 0; ${ADD_UP_SHIFTS}`)
    await page.goto(`${server.url}/runs/run`)
    const lane = page.getByRole('group', { name: 'Onsets and events on the time line' })
    await lane.getByText('checkpoint', { exact: true }).waitFor()
    await lane.getByText(/^onset 5\d\d$/).waitFor()
    await page.getByLabel('Notified').waitFor()
    await page.getByText('Moved with it:').waitFor()
    expect(await page.evaluate('shift')).toBeLessThan(0.001)
    expect((await page.locator('.verdict').boundingBox())?.height).toBeLessThanOrEqual(160)
    const hits = await lane
      .getByRole('button')
      .evaluateAll((marks) => marks.map((mark) => mark.getBoundingClientRect().toJSON() as DOMRect))
    expect(hits.length).toBeGreaterThanOrEqual(2)
    for (const { width, height } of hits) expect(Math.min(width, height)).toBeGreaterThanOrEqual(24)
  })

  it('follows the system’s theme until a person chooses, and remembers the choice', async () => {
    const server = await startWithRun()
    const page = await openPage({ colorScheme: 'dark' })
    await page.goto(`${server.url}/runs/run`)
    await page.locator('.u-over').first().waitFor()
    expect(await groundOf(page)).toBeLessThan(60)
    await page.getByRole('button', { name: 'Switch to the light theme' }).click()
    await eventually(() => groundOf(page)).toBeGreaterThan(230)
    await page.reload()
    await page.locator('.u-over').first().waitFor()
    expect(await groundOf(page)).toBeGreaterThan(230)
    await page.getByRole('button', { name: 'Switch to the dark theme' }).click()
    await eventually(() => groundOf(page)).toBeLessThan(60)
  })
})

/** How light the page's ground is, 0 to 255. */
async function groundOf(page: Page): Promise<number> {
  const colour = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
  return Number(/\d+/.exec(String(colour))?.[0])
}
