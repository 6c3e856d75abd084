import { expect, describe, it } from 'vitest'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'

describe('the first minute', { timeout: 180_000 }, () => {
  it('offers three ways with the address of this server, each to be copied', async () => {
    const server = await startServer()
    const page = await openPage({ permissions: ['clipboard-read', 'clipboard-write'] })
    await page.goto(server.url)
    const ways = page.locator('.ways article')
    await eventually(() => ways.count()).toBe(3)
    for (const [i, means] of [
      'import ./outputs --follow',
      'normwatch run --',
      'run.log(grad_norm=',
    ].entries()) {
      const way = ways.nth(i)
      await way.getByRole('button').click()
      await way.getByRole('status').filter({ hasText: 'Copied' }).waitFor()
      const copied = await page.evaluate(() => navigator.clipboard.readText())
      expect(copied).toBe(await way.locator('code').textContent())
      expect(copied).toContain(means)
      expect(copied).toContain(server.url)
    }
  })

  it('loads sample runs that say what they are and leave with one click, a person’s own runs untouched', async () => {
    const server = await startServer()
    const page = await openPage()
    await page.goto(server.url)
    await page.getByRole('button', { name: 'Load sample runs' }).click()
    const samples = page.getByRole('region', { name: 'Sample runs' })
    await samples.getByText('recorded trainings of other people').waitFor({ timeout: 60_000 })
    expect(await textOf(page, '[role=table]')).toMatch(/▲ flagged.* Agent distillation.*GPT-2 124M: healthy/)
    await expect.poll(() => page.locator('[data-run]').count()).toBe(4)
    for (const run of await page.locator('[data-run]').all())
      expect(await run.innerText()).toContain('#sample')

    await page.mouse.move(5, 5)
    await server.put('own', { name: 'my own', tags: ['sample'], project: 'samples' })
    await page.getByRole('link', { name: 'my own' }).waitFor()
    await samples.getByRole('button', { name: 'Remove the sample runs' }).click()
    await expect
      .poll(() => page.locator('[data-run] a').allInnerTexts(), { timeout: 60_000 })
      .toEqual(['my own'])
    await eventually(() => samples.count()).toBe(0)
  })
})
