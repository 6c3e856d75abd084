import { describe, expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'

/** Steps 0, 10, 20 …; the norm says which row it is. */
async function startWithRows(count: number) {
  const server = await startServer()
  await server.put('r', { clip: { mode: 'norm', max_norm: 50_000 } })
  for (let first = 0; first < count; first += 10_000) {
    const rows = Array.from({ length: Math.min(10_000, count - first) }, (_, i) => first + i)
    await server.send('r', {
      step: rows.map((row) => 10 * row),
      grad_norm: rows.map((row) => (row === 12 ? 'NaN' : row)),
      loss: rows.map((row) => (row % 2 === 0 ? 1.5 : null)),
    })
  }
  return server
}

describe('the Data tab', () => {
  it('shows any of 100,000 rows without fetching the others, and the CSV has all of them', async () => {
    const server = await startWithRows(100_000)
    const page = await openPage()
    let fetched = 0
    page.on('response', (response) => {
      if (response.url().includes('/points?')) void response.text().then((text) => (fetched += text.length))
    })
    await page.goto(`${server.url}/runs/r/data`)
    const table = page.getByRole('table', { name: 'Readings' })
    await eventually(() => table.getAttribute('aria-rowcount')).toBe('100001')
    await table.locator('[aria-rowindex="14"]').getByText('NaN').waitFor()
    await page.getByLabel('Step', { exact: true }).fill('723456')
    await page.getByRole('button', { name: 'Go', exact: true }).click()
    const row = table.locator('[aria-rowindex="72348"]')
    await eventually(async () => (await row.innerText()).replaceAll(/\s+/g, ' ')).toMatch(
      /^723.460 ▲ 72346 1.5 \d/,
    )
    await page.keyboard.press('End')
    await table.locator('[aria-rowindex="100001"]').getByText('99999').waitFor()
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Home')
    await table.locator('[aria-rowindex="2"]').getByText('1.5').waitFor()
    expect(fetched).toBeLessThan(1_000_000)

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'All as CSV' }).click(),
    ])
    let lines = 0
    for await (const chunk of await download.createReadStream()) lines += String(chunk).split('\n').length - 1
    expect(lines).toBe(100_001)
  })

  it('says that there is nothing yet', async () => {
    const server = await startServer()
    await server.put('r')
    const page = await openPage()
    await page.goto(`${server.url}/runs/r/data`)
    await page.getByRole('heading', { name: 'No readings yet' }).waitFor()
  })
})
