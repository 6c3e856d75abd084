import { globSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, steps } from './training.ts'

const build = resolve(import.meta.dirname, '../build')

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
    expect(code.length).toBeGreaterThan(10)
    // The page of errors, which kit keeps ready, comes later.
    expect(code.filter((path) => !html.includes(path))).toEqual([expect.stringContaining('/nodes/1.')])
    const questions = html.match(/href="[^"]*" rel="preload" as="fetch"/g)
    expect(questions).toHaveLength(4)
    // What was asked early is not asked again.
    const facts = asked.filter(
      (path) => /\/(runs\/run|settings|findings)$/.test(path) && path.startsWith('/api'),
    )
    expect(facts).toHaveLength(4)
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
