import type { CapsReply, FindingList } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

const capped = { clip: { mode: 'norm', max_norm: 1 } } as const
const whatIf = 'section[aria-label="What another cap would do"]'

describe('looking closer', () => {
  it('tries another cap on the recorded norms, exactly', async () => {
    const server = await startServer()
    await server.put('r', capped)
    await server.send('r', steps(300, high))
    const page = await openPage()
    await page.goto(`${server.url}/runs/r`)
    await page.getByRole('button', { name: 'Try another cap …' }).click()
    await page.locator(whatIf).getByRole('button', { name: /^p50/ }).click()
    const { quantiles } = await server.call<CapsReply>('GET', '/runs/r/caps')
    const { curve } = await server.call<CapsReply>('GET', `/runs/r/caps?cap=${quantiles['p50']}`)
    const [effect] = curve
    await eventually(() => textOf(page, whatIf)).toContain(
      `would have clipped ${((effect?.clip_rate ?? 0) * 100).toFixed(0)}% of 300 norms`,
    )
    const legend = page.locator('section:has(> header > h2:text-is("Pre-clip gradient norm"))')
    await legend.getByText('the ribbon and the clip rate are at the run’s own cap').waitFor()
    for (const [key, share] of [
      ['Home', 'above the cap'],
      ['End', ''],
    ] as const) {
      await page.locator(whatIf).getByRole('slider').press(key)
      const above = legend.getByText('above the cap')
      await eventually(async () => (await above.allInnerTexts()).join()).toBe(share)
    }
    await page.locator(whatIf).getByRole('button', { name: 'Back to the run' }).click()
    await eventually(() => textOf(page, whatIf)).toContain('Drag over the distribution')
    await legend.getByText('above the cap').waitFor()
  })

  it('names the heaviest layer', async () => {
    const server = await startServer()
    await server.put('r')
    const columns = steps(50, quiet)
    const layers = { 'h.2': columns.step.map(() => 3), 'h.10': columns.step.map(() => 1) }
    await server.call('POST', '/runs/r/points', { columns: { ...columns, layers } })
    const page = await openPage()
    await page.goto(`${server.url}/runs/r/layers`)
    await page.getByText('Heaviest: h.2, 90% of the squared norm').waitFor()
    await page.goto(`${server.url}/runs/r`)
    await page.getByRole('link', { name: 'Layers' }).click()
    await page.getByRole('heading', { name: '2 layers' }).waitFor()
  })

  it('share one vertical line with the norm above them, wherever the pointer is', async () => {
    const server = await startServer()
    await server.put('r', capped)
    const columns = steps(400, quiet)
    const layers = { a: columns.step.map(() => 3), b: columns.step.map(() => 1) }
    await server.call('POST', '/runs/r/points', { columns: { ...columns, layers } })
    const page = await openPage()
    await page.goto(`${server.url}/runs/r/layers`)
    const norm = page.locator('.u-over')
    const map = page.getByRole('img', { name: /^Heat map/ })
    await norm.waitFor()
    const xOf = async (selector: string) => (await page.locator(selector).boundingBox())?.x ?? NaN
    for (const [place, mine, other] of [
      [norm, '.u-cursor-x', 'i.hairline'],
      [map, 'i.hairline', '.u-cursor-x'],
    ] as const) {
      const box = await place.boundingBox()
      if (box === null) throw new Error('nothing to point at')
      await page.mouse.move(box.x + 0.7 * box.width, box.y + box.height / 2)
      await eventually(async () => Math.abs((await xOf(mine)) - (await xOf(other)))).toBeLessThan(4)
      expect(Math.abs((await xOf(mine)) - box.x - 0.7 * box.width)).toBeLessThan(8)
    }
    await page.mouse.move(5, 5)
    await eventually(() => page.locator('i.hairline').count()).toBe(0)
  })

  it('puts very many layers together by module, finds them by name, and says which moved first', async () => {
    const server = await startServer()
    await server.put('r', capped)
    const columns = steps(600, (step) => (step < 400 ? quiet(step) : high(step)))
    const names = Array.from({ length: 80 }, (_, i) => `h.${i >> 1}.${i % 2 === 0 ? 'attn' : 'mlp'}`)
    const layers = Object.fromEntries(
      names.map((name) => [name, columns.step.map((step) => (name === 'h.7.mlp' && step >= 390 ? 3 : 0.05))]),
    )
    await server.call('POST', '/runs/r/points', { columns: { ...columns, layers } })
    const page = await openPage()
    await page.goto(`${server.url}/runs/r/layers`)
    await page.getByText('in 40 groups').waitFor()
    await page
      .getByRole('listitem')
      .filter({ hasText: /h\.7\.mlp.* 60× from step 3[89]\d/ })
      .waitFor()
    const map = page.getByRole('img', { name: /^Heat map of 40 layers/ })
    await map.focus()
    await map.press('ArrowDown')
    await map.press('Enter')
    await page.getByText('2 layers below h.0').waitFor()
    await page.getByRole('button', { name: 'Out of h.0' }).click()
    await page.getByLabel('Search layers').fill('7 mlp')
    await page.getByText(/^4 layers$/).waitFor()
  })

  it('names the layers that turned NaN with the norm', async () => {
    const server = await startServer()
    await server.put('r', capped)
    const isBroken = (step: number) => step >= 390
    const columns = steps(400, (step) => (isBroken(step) ? 'NaN' : quiet(step)))
    const layers = {
      'h.1': columns.step.map(() => 0.3),
      'h.2': columns.step.map((step) => (isBroken(step) ? 'NaN' : 0.2)),
    }
    await server.call('POST', '/runs/r/points', { columns: { ...columns, layers } })
    await server.call('PATCH', '/runs/r', { status: 'finished' })
    const page = await openPage()
    await eventually(async () => {
      const { findings } = await server.call<FindingList>('GET', '/runs/r/findings')
      return findings.some(({ layers }) => layers.length > 0)
    }).toBe(true)
    await page.goto(`${server.url}/runs/r/layers`)
    await page
      .getByRole('listitem')
      .filter({ hasText: /h\.2\s+turned NaN or infinite at step 390/ })
      .waitFor()
  })

  it('names every few rows of a heat map whose rows are too low for a name each', async () => {
    const server = await startServer()
    await server.put('r', capped)
    const columns = steps(40, quiet)
    const names = Array.from({ length: 400 }, (_, i) => `h.${i >> 1}.${i % 2 === 0 ? 'attn' : 'mlp'}`)
    const layers = Object.fromEntries(names.map((name) => [name, columns.step.map(() => 0.05)]))
    await server.call('POST', '/runs/r/points', { columns: { ...columns, layers } })
    const page = await openPage()
    await page.goto(`${server.url}/runs/r/layers`)
    const map = page.getByRole('img', { name: /^Heat map of 200 layers/ })
    const height = await map.evaluate((canvas) => canvas.clientHeight)
    const shown = await page.locator('.map li').evaluateAll((all) =>
      all.map((row) => {
        const box = row.getBoundingClientRect()
        return { name: row.textContent, top: box.top, bottom: box.bottom }
      }),
    )
    expect(shown.length).toBeGreaterThan(25)
    expect(shown.every(({ top }, i) => i === 0 || top > (shown[i - 1]?.bottom ?? 0) - 2)).toBe(true)
    const second = shown[1] ?? expect.unreachable()
    const { y } = (await map.boundingBox()) ?? expect.unreachable()
    const row = Math.floor((((second.top + second.bottom) / 2 - y) / height) * 200)
    expect(second.name).toBe(`h.${row}`)
  })

  it('adds a channel, refuses a private address in words, and shows a secret once', async () => {
    const server = await startServer()
    const page = await openPage({ mayComplain: /400/ })
    await page.goto(`${server.url}/channels`)
    await page.getByRole('button', { name: 'Add a channel' }).click()
    await page.locator('input[name=url]').fill('http://127.0.0.1:9/hook')
    await page.getByRole('button', { name: 'Add the channel' }).click()
    await page.getByText('The server rejected the channel').waitFor()
    await page.locator('input[name=url]').fill('https://hooks.example.org/normwatch')
    await page.getByRole('button', { name: 'Add the channel' }).click()
    await page
      .getByText(/whsec_/)
      .first()
      .waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'hooks.example.org' }).waitFor()
    expect(await page.content()).not.toContain('whsec_')
    await page.getByRole('link', { name: 'Deliveries' }).click()
    await page.getByText('No deliveries to this channel yet.').waitFor()
  })

  it('needs no sideways scrolling on a phone', async () => {
    const server = await startServer()
    await server.put('a', capped)
    await server.put('b', capped)
    for (const id of ['a', 'b']) await server.send(id, steps(60, high))
    const page = await openPage({ viewport: { width: 360, height: 740 } })
    for (const path of [
      '/compare?run=a&run=b',
      '/runs/a/layers',
      '/runs/a/data',
      '/runs/a/settings',
      '/projects/default',
      '/projects/default/settings',
      '/channels',
      '/tokens',
    ]) {
      await page.goto(server.url + path)
      await page.locator('h1, h2').first().waitFor()
      const widths = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')
      expect([path, widths]).toEqual([path, [360, 360]])
    }
  })
})
