import { describe, expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

describe('the page of a project', () => {
  it('shows its runs in small, what was flagged, and a table whose view is kept by its address', async () => {
    const server = await startServer()
    const sweep = [1e-4, 1e-3, 1e-2]
    for (const [i, lr] of sweep.entries()) {
      await server.put(`run${i}`, {
        project: 'sweep',
        name: `lr ${lr}`,
        clip: { mode: 'norm', max_norm: 1 },
        config: { optim: { lr }, seed: i % 2 },
      })
      await server.send(
        `run${i}`,
        steps(1_000, (step) => (i === 2 && step >= 200 ? high(step) : quiet(step))),
      )
    }
    await server.put('other', { project: 'another' })
    const page = await openPage()
    await page.goto(`${server.url}/?project=sweep`)
    await page.getByRole('link', { name: 'sweep', exact: true }).click()
    await page.getByText('3 runs').waitFor()
    await page
      .getByRole('listitem')
      .filter({ hasText: /lr 0\.01:\s+Clipping is saturated/ })
      .waitFor()
    expect(await page.locator('article').count()).toBe(3)

    const table = page.getByRole('table')
    await page.getByLabel('Add a column').selectOption('config:optim.lr')
    const sort = table.getByRole('button', { name: 'optim.lr', exact: true })
    await sort.click()
    await eventually(() => table.locator('tbody a').allInnerTexts()).toEqual([
      'lr 0.0001',
      'lr 0.001',
      'lr 0.01',
    ])
    await page.getByRole('button', { name: 'optim.lr ↑' }).click()
    await page.getByLabel('Group by').selectOption('seed')
    await eventually(() => page.url()).toMatch(
      /\?column=config%3Aoptim\.lr&sort=-config%3Aoptim\.lr&group=seed$/,
    )

    const reader = await openPage()
    await reader.goto(page.url())
    await eventually(() => reader.locator('tbody a').allInnerTexts()).toEqual([
      'lr 0.01',
      'lr 0.0001',
      'lr 0.001',
    ])
    await reader.getByText('seed = 1').waitFor()
    await server.send('run1', steps(2_000, high, 1_000))
    await eventually(() => reader.locator('tbody').last().innerText()).toContain('flagged')
  })

  it('keeps both of two choices made at once', async () => {
    const server = await startServer()
    for (const i of [0, 1, 2])
      await server.put(`run${i}`, { project: 'sweep', config: { optim: { lr: 10 ** i }, seed: i % 2 } })
    const page = await openPage()
    await page.goto(`${server.url}/projects/sweep?column=config%3Aoptim.lr&sort=config%3Aoptim.lr`)
    await page.getByRole('button', { name: 'optim.lr ↑' }).waitFor()
    await page.evaluate(() => {
      const sort = [...document.querySelectorAll('button')].find((it) => it.innerText.startsWith('optim.lr'))
      const group = [...document.querySelectorAll('select')].find((it) =>
        [...it.options].some((option) => option.value === 'seed'),
      )
      if (sort === undefined || group === undefined) throw new Error('The table has no such choices.')
      sort.click()
      group.value = 'seed'
      group.dispatchEvent(new Event('change', { bubbles: true }))
    })
    await eventually(() => page.url()).toMatch(
      /\?column=config%3Aoptim\.lr&sort=-config%3Aoptim\.lr&group=seed$/,
    )
  })

  it('is searched and filtered, and a link leads others to the same view', async () => {
    const server = await startServer()
    for (const [id, norm] of [
      ['calm', quiet],
      ['wild', high],
      ['wild-too', high],
    ] as const) {
      await server.put(id, { project: 'p', clip: { mode: 'norm', max_norm: 1 } })
      await server.send(id, steps(400, norm))
    }
    const page = await openPage({ permissions: ['clipboard-read', 'clipboard-write'] })
    await page.goto(`${server.url}/projects/p`)
    await eventually(() => page.locator('tbody a').count()).toBe(3)
    await page.getByRole('combobox', { name: 'Health' }).selectOption('flagged')
    await page.getByLabel('Search these runs').fill('too')
    await page.getByLabel('Add a column').selectOption('metric:lr')
    await eventually(() => page.locator('tbody a').allInnerTexts()).toEqual(['wild-too'])
    await page.getByRole('button', { name: 'Copy link to this view' }).click()
    const link = await page.evaluate(() => navigator.clipboard.readText())
    const reader = await openPage()
    await reader.goto(link)
    await eventually(() => reader.locator('tbody a').allInnerTexts()).toEqual(['wild-too'])
    await reader.getByRole('button', { name: 'lr', exact: true }).waitFor()
    await reader.getByLabel('Search these runs').fill('nothing like it')
    await reader.getByText('No run of this project matches.').waitFor()
  })
})
