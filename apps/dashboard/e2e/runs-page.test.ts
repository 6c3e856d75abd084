import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

const run = promisify(execFile)
const sdk = join(import.meta.dirname, '../../../packages/sdk-python/src')
const capped = { clip: { mode: 'norm', max_norm: 1 } } as const
const rowNames = '[data-run] a'

describe('the runs page', () => {
  it.each(['curl', 'Python', 'Python without the SDK'])(
    'shows snippets when there is no run, and the run that the %s one makes',
    async (client) => {
      const server = await startServer()
      const page = await openPage()
      await page.goto(server.url)
      const snippet = await page.getByLabel(`${client} snippet`, { exact: true }).textContent()
      expect(snippet).toContain(server.url)
      await (client === 'curl'
        ? run('bash', ['-ec', snippet ?? ''])
        : run('python3', ['-c', snippet ?? ''], { env: { ...process.env, PYTHONPATH: sdk } }))
      await eventually(() => page.locator(rowNames).allInnerTexts()).toEqual(['first-run'])
      await eventually(() => textOf(page, '[data-run]')).toMatch(/norm ≤ 1 1.7× .* 2.31 0/)
    },
  )

  it('puts the flagged run on top, with its shape, its word and its sentence', async () => {
    const server = await startServer()
    for (const [id, norm] of [
      ['calm', quiet],
      ['saturated', high],
      ['calm-too', quiet],
    ] as const) {
      await server.put(id, capped)
      await server.send(id, steps(400, norm))
    }
    const page = await openPage()
    await page.goto(server.url)
    await eventually(() => page.locator(rowNames).allInnerTexts()).toHaveLength(3)
    expect((await page.locator(rowNames).allInnerTexts())[0]).toBe('saturated')
    expect(await textOf(page, '[data-run=saturated] .badge')).toMatch(
      /▲ flagged ?: ?clipped in 100% of the last \d+ logged steps, since step \d+/,
    )
    await eventually(() => page.locator('[data-run=saturated] canvas').evaluate(inkOf)).toBeGreaterThan(100)
  })

  it('says how old a run is by the clock of the server, however wrong that of the viewer is', async () => {
    const server = await startServer()
    await server.put('young', {})
    await server.send('young', steps(10, quiet))
    const page = await openPage()
    await page.addInitScript(() => {
      const now = Date.now.bind(Date)
      Date.now = () => now() + 3 * 86_400_000
    })
    await page.goto(server.url)
    await eventually(() => textOf(page, '[data-run=young] time')).toMatch(/^(now|\d+ s ago)$/)
  })

  it('moves with a running run, and keeps rows in place under the pointer', async () => {
    const server = await startServer()
    for (const id of ['a', 'b']) {
      await server.put(id, capped)
      await server.send(id, steps(100, quiet))
    }
    const page = await openPage()
    await page.goto(server.url)
    await eventually(() => page.locator(rowNames).allInnerTexts()).toHaveLength(2)
    const [first, second] = (await page.locator(rowNames).allInnerTexts()) as [string, string]
    await page.locator(`[data-run=${first}]`).hover()
    await server.send(second, steps(400, high, 100))
    await eventually(() => textOf(page, `[data-run=${second}]`)).toMatch(/▲ flagged.* 499 /)
    expect(await topOf(second)).toBeGreaterThan(await topOf(first))
    await page.mouse.move(5, 5)
    await eventually(async () => (await topOf(second)) < (await topOf(first))).toBe(true)

    async function topOf(id: string): Promise<number> {
      return (await page.locator(`[data-run=${id}]`).boundingBox())?.y ?? NaN
    }
  })

  it('keeps its filters in the address, and says when nothing matches', async () => {
    const server = await startServer()
    await server.put('one', { project: 'vision', name: 'resnet', tags: ['x'] })
    await server.put('two', { project: 'text', name: 'gpt' })
    const page = await openPage()
    await page.goto(`${server.url}/?project=text`)
    await eventually(() => page.locator(rowNames).allInnerTexts()).toEqual(['gpt'])
    await page.getByRole('button', { name: 'Clear' }).click()
    await eventually(() => page.locator(rowNames).count()).toBe(2)
    await page.keyboard.press('/')
    await page.keyboard.type('resn')
    await eventually(() => page.locator(rowNames).allInnerTexts()).toEqual(['resnet'])
    await eventually(() => new URL(page.url()).search).toBe('?q=resn')
    await page.keyboard.type('zzz')
    await page.getByText('No matching runs').waitFor()
  })

  it('scrolls through more runs than it draws', async () => {
    const server = await startServer()
    await Promise.all(Array.from({ length: 250 }, (_, i) => server.put(`run-${i}`)))
    const page = await openPage()
    await page.goto(server.url)
    await eventually(async () => {
      await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)')
      return page.getByRole('table').getAttribute('aria-rowcount')
    }).toBe('251')
    expect(await page.locator('[data-run]').count()).toBeLessThan(100)
  })

  it('lets a finger choose runs on a phone, with room to hit', async () => {
    const server = await startServer()
    for (const id of ['a', 'b', 'c']) {
      await server.put(id, capped)
      await server.send(id, steps(60, quiet))
    }
    const page = await openPage({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
    await page.goto(server.url)
    for (const id of ['c', 'a']) {
      const box = await page.locator(`[data-run=${id}] label`).boundingBox()
      expect([box?.width, box?.height]).toEqual([40, 40])
      await page.touchscreen.tap((box?.x ?? 0) + 36, (box?.y ?? 0) + 36)
    }
    const compare = page.getByRole('link', { name: 'Compare' })
    expect((await compare.boundingBox())?.height).toBeGreaterThanOrEqual(40)
    await compare.tap()
    await page.waitForURL(/\/compare\?run=c&run=a$/)
    await page.goto(`${server.url}/?project=default`)
    await page.locator(rowNames).first().waitFor()
    const small = await page.evaluate(
      `[...document.querySelectorAll('main :is(button, select, input[type=search], label)')]
        .filter((one) => one.offsetHeight < 40).map((one) => one.outerHTML)`,
    )
    expect(small).toEqual([])
  })

  it('is walked by keyboard from the list to a run and back', async () => {
    const server = await startServer()
    for (const id of ['a', 'b']) await server.put(id, capped)
    const page = await openPage()
    await page.goto(server.url)
    await page.locator(rowNames).first().waitFor()
    const names = await page.locator(rowNames).allInnerTexts()
    for (const key of ['j', 'j', 'k', 'j', 'Enter']) await page.keyboard.press(key)
    await page.getByRole('heading', { level: 1, name: names[1] as string, exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('table', { name: 'Runs' }).waitFor()
  })
})

/** Pixels that anything was drawn on. */
function inkOf(canvas: Element): number {
  const { width, height } = canvas as HTMLCanvasElement
  const { data } = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height) ?? {
    data: [],
  }
  return data.filter((value, i) => i % 4 === 3 && value > 0).length
}
