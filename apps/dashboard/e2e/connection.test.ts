import { describe, expect, it } from 'vitest'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

/** What a browser says of its own when a server is gone. */
const mayComplain = /ERR_CONNECTION_(REFUSED|RESET)|WebSocket connection/

describe('a lost connection', () => {
  it('is said, mended by itself, and hides nothing that happened meanwhile', async () => {
    const server = await startServer()
    await server.put('run', { clip: { mode: 'norm', max_norm: 1 } })
    await server.send('run', steps(200, quiet))
    const page = await openPage({ mayComplain })
    await page.goto(`${server.url}/runs/run`)
    await eventually(() => textOf(page, 'dl')).toContain('Last step 199')
    await server.kill()
    await page.getByText(/Disconnected. Last updated/).waitFor()
    await server.restart()
    await server.send('run', steps(300, high, 200))
    await page.getByText(/Disconnected/).waitFor({ state: 'detached' })
    await eventually(() => textOf(page, '[role=toolbar] .range')).toMatch(/^steps 0 to 499/)
    await eventually(() => textOf(page, '.verdict .badge')).toContain('flagged')
    await server.send('run', steps(100, high, 500))
    await eventually(() => textOf(page, '[role=toolbar] .range')).toMatch(/^steps 0 to 599/)
  })

  it('leaves the list current, with the runs that were made meanwhile', async () => {
    const server = await startServer()
    await server.put('before')
    const page = await openPage({ mayComplain })
    await page.goto(server.url)
    await eventually(() => page.locator('[data-run] a').allInnerTexts()).toEqual(['before'])
    await page.waitForLoadState('networkidle')
    await server.kill()
    await page.getByText(/Disconnected/).waitFor()
    await server.restart()
    await server.put('meanwhile')
    await eventually(() => page.locator('[data-run] a').allInnerTexts()).toEqual(['meanwhile', 'before'])
  })

  it('says of a page whose code could not come that the server is away, and loads it once it is back', async () => {
    const server = await startServer()
    await server.put('run')
    const page = await openPage({ mayComplain: /ERR_|WebSocket|dynamically imported module|preload CSS/ })
    await page.goto(`${server.url}/runs/run`)
    await page.getByRole('link', { name: 'Data', exact: true }).waitFor()
    await server.kill()
    await page.route(/immutable/, (route) => route.abort())
    await page.getByRole('link', { name: 'Data', exact: true }).click()
    await page.getByText('The server does not answer.').waitFor()
    expect(await page.title()).toContain('This page could not be loaded')
    await page.unrouteAll()
    await server.restart()
    await page.getByText('The server does not answer.').waitFor({ state: 'detached' })
    await page.getByRole('navigation', { name: 'Run sections' }).waitFor()
  })

  it('leaves a page that was opened too early with a way to try again', async () => {
    const server = await startServer()
    await server.put('run')
    const page = await openPage({ mayComplain })
    await page.goto(server.url)
    await page.locator('[data-run] a').waitFor()
    // the code of the next page has been fetched ahead
    await page.waitForLoadState('networkidle')
    await server.kill()
    await page.locator('[data-run] a').click()
    await page.getByText('The run could not be loaded').waitFor()
    await server.restart()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { level: 1, name: 'run' }).waitFor()
  })

  it('shows no empty charts where they could not be loaded, and all of them after another try', async () => {
    const server = await startServer()
    await server.put('run')
    await server.send('run', steps(100, quiet))
    const page = await openPage({ mayComplain: /status of 500/ })
    const error = { code: 'internal', message: 'Something failed in the server.', details: [] }
    await page.route('**/runs/run/series?*', (route) => route.fulfill({ status: 500, json: { error } }))
    await page.goto(`${server.url}/runs/run`)
    const failure = page.getByRole('alert').filter({ hasText: 'The charts could not be loaded' })
    await failure.waitFor()
    expect(await page.locator('.chart').count()).toBe(0)
    await page.unroute('**/runs/run/series?*')
    await failure.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.chart .u-over').first().waitFor()
    await failure.waitFor({ state: 'detached' })
  })

  it('shows what came between the first answer and the live connection', async () => {
    const server = await startServer()
    await server.put('run', { clip: { mode: 'norm', max_norm: 1 } })
    await server.send('run', steps(100, quiet))
    const page = await openPage()
    for (const path of ['/runs/run', '/findings?run=run&state=open&limit=200']) {
      const early = await server.call('GET', path)
      let asked = 0
      await page.route(`${server.url}/api/v1${path}`, (route) =>
        asked++ === 0 ? route.fulfill({ json: early }) : route.continue(),
      )
    }
    await server.send('run', steps(200, high, 100))
    await page.goto(`${server.url}/runs/run`)
    await eventually(() => textOf(page, '[role=toolbar] .range')).toMatch(/^steps 0 to 299/)
    await eventually(() => textOf(page, 'section:has(h2:text("Pre-clip")) .legend')).toContain(
      high(299).toPrecision(3),
    )
    await page.getByRole('region', { name: 'Open findings' }).getByText('Clipping is saturated').waitFor()
  })

  it('says when a part of the page did not come, and offers to reload', async () => {
    const server = await startServer()
    await server.put('run')
    await server.send('run', steps(100, quiet))
    const page = await openPage({ mayComplain: /ERR_FAILED|dynamically imported|preload/ })
    await page.goto(`${server.url}/runs/run`)
    const edit = page.getByRole('button', { name: 'Edit' })
    await edit.waitFor()
    await page.route('**/_app/immutable/**', (route) => route.abort())
    await edit.click()
    await page.getByText('A part of this page could not be loaded').waitFor()
    await page.unroute('**/_app/immutable/**')
    await page.getByRole('button', { name: 'Reload' }).click()
    await edit.click()
    await page.getByRole('dialog', { name: 'Edit the run' }).waitFor()
  })
})
