import type { CapsReply } from '@normwatch/protocol'
import { expect, it } from 'vitest'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet } from './training.ts'

const byNorm = (max_norm: number) => ({ clip: { mode: 'norm', max_norm } }) as const
const figures = 'section[aria-label="Figures of the run"]'
const whatIf = 'section[aria-label="What another cap would do"]'
const panelOf = (title: string) => `section:has(h2:text-is("${title}"))`

/** A GAN whose critic stays above its cap, and whose generator stays below its own. */
async function startWithGan(losses: readonly string[], ...ids: readonly string[]) {
  const server = await startServer()
  for (const id of ids) {
    await server.put(id, { parts: { generator: byNorm(1), critic: byNorm(3) } })
    const step = Array.from({ length: 300 }, (_, i) => i)
    await server.send(id, {
      step,
      ...Object.fromEntries(losses.map((name) => [name, step.map((at) => 2 + Math.exp(-at / 100))])),
      'grad_norm/generator': step.map(quiet),
      'grad_norm/critic': step.map((at) => 2 * high(at)),
    })
  }
  return server
}

it('each part of a run has its norm, cap, ribbon, clip rate and what-if', async () => {
  const server = await startWithGan(['loss'], 'gan')
  const page = await openPage()
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await page.goto(`${server.url}/runs/gan`)
  for (const [part, rate] of [
    ['generator', '0%'],
    ['critic', '100%'],
  ] as const) {
    const norm = page.locator(panelOf(`Pre-clip gradient norm of ${part}`))
    await norm.locator('canvas').first().waitFor()
    await norm.getByRole('img', { name: 'Share of steps clipped, bucket by bucket' }).waitFor()
    await eventually(() => textOf(page, panelOf(`Clip rate of ${part}`))).toContain(rate)
  }
  await page.getByRole('heading', { name: 'Clipping is saturated in critic' }).waitFor()

  // the part that needs attention comes first
  const chooser = page.getByLabel('Part')
  expect(await chooser.inputValue()).toBe('critic')
  await eventually(() => textOf(page, figures)).toMatch(/clipped, whole run 100%/)
  await page.getByRole('button', { name: 'Try another cap …' }).click()
  for (const [part, cap] of [
    ['critic', 10],
    ['generator', 0.45],
  ] as const) {
    await chooser.selectOption(part)
    await page.locator(whatIf).getByRole('button', { name: /^p50/ }).click()
    const { quantiles } = await server.call<CapsReply>('GET', `/runs/gan/caps?part=${part}`)
    expect(Number(quantiles['p50']) / cap).toBeGreaterThan(0.7)
    expect(Number(quantiles['p50']) / cap).toBeLessThan(1.3)
    await eventually(() => textOf(page, whatIf)).toMatch(
      /would have clipped (49|5[01])(\.\d+)?% of 300 norms/,
    )
    expect(asked.some((url) => /\/caps\?/.test(url) && url.includes(`part=${part}`))).toBe(true)
  }
  await eventually(() => textOf(page, figures)).toMatch(/clipped, whole run 0%/)
})

it('the loss of each part has a chart, and the last of them stands in the list of runs', async () => {
  const server = await startWithGan(['loss/generator', 'loss/critic'], 'gan')
  const page = await openPage()
  await page.goto(server.url)
  await eventually(() => page.getByRole('row', { name: /gan/ }).innerText()).toContain('2.05')
  await page.goto(`${server.url}/runs/gan`)
  for (const part of ['generator', 'critic'])
    await page.getByRole('img', { name: new RegExp(`Loss of ${part}: from 2.05 to 3`) }).waitFor()
  expect(await page.getByRole('heading', { name: 'Loss', exact: true }).count()).toBe(0)
})

it('a comparison speaks of the part that is chosen, of the first that the runs share where they have no norms of their own', async () => {
  const server = await startWithGan(['loss/critic'], 'one', 'two')
  const page = await openPage()
  await page.goto(`${server.url}/compare?run=one&run=two`)
  await page.waitForURL(/part=(critic|generator)/)
  await page.getByLabel('Part').selectOption('critic')
  await page.waitForURL(/part=critic/)
  for (const title of ['Pre-clip gradient norm of critic', 'Loss of critic'])
    await page
      .locator(`${panelOf(title)} canvas`)
      .first()
      .waitFor()
  const rate = page.getByRole('row', { name: /^Clip rate/ }).first()
  await eventually(() => rate.innerText()).toMatch(/100%\s+100%/)
  await page.getByLabel('Part').selectOption('generator')
  await page.waitForURL(/part=generator/)
  await eventually(() => rate.innerText()).toMatch(/0%\s+0%/)
})

it('a link leads to the part and the post-clip norms that its sender looked at', async () => {
  const server = await startWithGan(['loss'], 'gan')
  const page = await openPage()
  await page.goto(`${server.url}/runs/gan`)
  await page.getByLabel('Part').selectOption('generator')
  await page.getByRole('button', { name: 'post-clip' }).first().click()
  await eventually(() => page.url()).toMatch(/\?post=1&part=generator$/)
  const reader = await openPage()
  await reader.goto(page.url())
  await eventually(() => reader.getByLabel('Part').inputValue()).toBe('generator')
  await eventually(() => textOf(reader, figures)).toMatch(/clipped, whole run 0%/)
  await reader.locator('button[aria-pressed=true]', { hasText: 'post-clip' }).first().waitFor()
})
