import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { swipe } from './fingers.ts'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

const capped = { clip: { mode: 'norm', max_norm: 1 } } as const

/** Two runs of one loss: `slow` takes twice the steps. */
async function startWithPair() {
  const server = await startServer()
  for (const [id, pace] of Object.entries({ quick: 1, slow: 2 })) {
    await server.put(id, { ...capped, config: { pace, seed: 1 } })
    const columns = steps(400, quiet)
    await server.send(id, { ...columns, loss: columns.step.map((at) => 1 + 3 * Math.exp(-at / (80 * pace))) })
  }
  return server
}

describe('comparing runs', () => {
  it('compares runs chosen by keys, and says how much smoother one loss is', async () => {
    const server = await startServer()
    for (const [id, jump] of Object.entries({ rough: 1, smooth: 0.1 })) {
      await server.put(id, capped)
      const columns = steps(200, quiet)
      await server.send(id, { ...columns, loss: columns.step.map((at) => 3 + (at % 2) * jump) })
    }
    const page = await openPage()
    await page.goto(server.url)
    await page.getByRole('checkbox', { name: 'Select rough to compare' }).check()
    await page.getByRole('checkbox', { name: 'Select smooth to compare' }).check()
    await page.keyboard.press('c')
    await page.waitForURL(/\/compare\?run=rough&run=smooth$/)
    await page.getByText(/smooth: the loss is 10× smoother than in rough/).waitFor()
    const row = page.getByRole('row', { name: /^Loss roughness/ })
    await eventually(() => row.innerText()).toMatch(/1\s+0\.1\s+0\.1×/)
    await page.getByText(/One run a side/).waitFor()
  })

  it('starts from the page of a run, takes more runs in, leaves one out, and names one that is gone', async () => {
    const server = await startWithPair()
    await server.put('other', { project: 'elsewhere', name: 'far away' })
    await server.send('other', steps(50, quiet))
    const page = await openPage({ mayComplain: /404/ })
    await page.goto(`${server.url}/runs/quick`)
    await page.getByRole('link', { name: 'Compare', exact: true }).click()
    await page.getByRole('heading', { name: 'Choose what to compare quick with' }).waitFor()
    const offered = page.getByRole('list', { name: 'Runs to choose from' }).getByRole('button')
    await eventually(() => offered.count()).toBe(1)
    await offered.filter({ hasText: 'slow' }).click()
    await page.waitForURL(/\/compare\?run=quick&run=slow$/)
    await page.getByRole('columnheader', { name: 'slow' }).first().waitFor()

    await page.getByRole('button', { name: 'Add a run …' }).click()
    await page.getByRole('searchbox').fill('far')
    await eventually(() => offered.count()).toBe(1)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForURL(/run=quick&run=slow&run=other$/)
    await page.getByRole('columnheader', { name: 'far away' }).first().waitFor()
    await page.getByRole('button', { name: 'Remove slow' }).click()
    await page.waitForURL(/\/compare\?run=quick&run=other$/)

    await page.getByRole('columnheader', { name: 'far away' }).first().waitFor()
    await server.call('DELETE', '/runs/other')
    await page.getByText('Run other not found').waitFor()
    await page.reload()
    await page.getByText('Run other not found').waitFor()
    await page.getByRole('button', { name: 'Remove other' }).click()
    await page.getByRole('heading', { name: 'Choose what to compare quick with' }).waitFor()
  })

  it('compares by small losses, and reads each run at the lowest loss that it reached', async () => {
    const server = await startServer()
    for (const [id, pace] of Object.entries({ quick: 1, slow: 2 })) {
      await server.put(id, capped)
      const columns = steps(400, (step) => 1 + step / 400)
      const loss = columns.step.map((at) => 5e-4 * Math.exp(-at / (80 * pace)))
      await server.send(id, { ...columns, loss })
    }
    const page = await openPage()
    await page.goto(`${server.url}/compare?run=quick&run=slow`)
    await page.getByRole('button', { name: 'By loss' }).click()
    const panel = page.locator('section:has(> header > h2:text-is("Pre-clip gradient norm"))')
    await panel.getByText('lowest').waitFor()
    const readings = async () => (await panel.locator('.reading b').allInnerTexts()).map(Number)
    await eventually(async () => Math.min(...(await readings()))).toBeGreaterThan(1.9)
  })

  it('is one click from a finding, with the healthy run that is most alike', async () => {
    const server = await startServer()
    for (const [id, lr] of Object.entries({ good: 3e-4, bad: 3e-3 })) {
      await server.put(id, { ...capped, name: `lr ${lr}`, config: { model: 'tiny', batch_size: 8, lr } })
      const isBad = (step: number) => id === 'bad' && step >= 300
      await server.send(
        id,
        steps(600, (step) => (isBad(step) ? high(step) : quiet(step))),
      )
      if (id === 'good') await server.call('PATCH', '/runs/good', { status: 'finished' })
    }
    const page = await openPage()
    await page.goto(`${server.url}/runs/bad`)
    await page.getByRole('link', { name: 'Compare with lr 0.0003' }).click()
    await page.waitForURL(/\/compare\?run=bad&run=good$/)
    await page.getByRole('columnheader', { name: 'lr 0.0003' }).first().waitFor()
    await page.getByText('percentage points').waitFor()
  })

  it('says what each run reads under the cursor, and smooths over the raw lines', async () => {
    const server = await startWithPair()
    const page = await openPage()
    await page.goto(`${server.url}/compare?run=quick&run=slow`)
    const panel = 'section:has(h2:text-is("Loss"))'
    await eventually(() => textOf(page, `${panel} .legend`)).toMatch(/^newest quick 1.02 slow 1.25$/)
    const box = (await page.locator(`${panel} .u-over`).boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    await page.mouse.move(box.x + box.width * (80 / 399), box.y + box.height / 2)
    await eventually(() => textOf(page, `${panel} .legend`)).toMatch(
      /^step (79|80|81) quick 2.1\d? slow 2.8\d$/,
    )
    const smooth = page.getByRole('button', { name: 'Smooth' })
    await smooth.click()
    await eventually(() => smooth.getAttribute('aria-pressed')).toBe('true')
  })

  it('sets runs side by side by the loss they reached, and says what that is', async () => {
    const server = await startWithPair()
    const page = await openPage()
    await page.goto(`${server.url}/compare?run=quick&run=slow`)
    await page.getByRole('button', { name: 'By loss' }).click()
    await page.getByText(/lowest smoothed loss so far/).waitFor()
    await page.getByRole('heading', { name: 'Steps to reach this loss' }).waitFor()
    await eventually(() => page.locator('.chart canvas').count()).toBe(2)
    await page.getByRole('button', { name: 'Step', exact: true }).click()
    await page.getByRole('heading', { name: 'Loss', exact: true }).waitFor()
    await page.getByRole('row', { name: /^pace 1 2$/ }).waitFor()
    expect(await page.getByRole('row', { name: /^seed/ }).count()).toBe(0)
  })

  it('zooms where one finger drags, and pans with two', async () => {
    const server = await startWithPair()
    const page = await openPage({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
    await page.goto(`${server.url}/compare?run=quick&run=slow`)
    const over = page.locator('.u-over').first()
    await over.scrollIntoViewIfNeeded()
    const { x, y, width, height } = (await over.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    const at = (share: number) => ({ x: x + share * width, y: y + height / 2 })
    const asked = seriesAsked(page, server.url)
    await swipe(page, [[at(0.25)], [at(0.4)], [at(0.75)]])
    await eventually(asked).toMatchObject({ from: expect.any(Number) })
    const before = asked() ?? { from: NaN, to: NaN }
    expect(before.from).toBeGreaterThan(60)
    expect(before.from).toBeLessThan(140)
    expect(before.to).toBeGreaterThan(260)
    expect(before.to).toBeLessThan(340)
    await swipe(
      page,
      [0.3, 0.4, 0.5].map((share) => [at(share), at(share + 0.2)]),
    )
    const wide = before.to - before.from
    await eventually(() => asked()?.from).toBeLessThan(before.from - 10)
    await eventually(() => (asked()?.to ?? NaN) - (asked()?.from ?? NaN)).toBeCloseTo(wide, -1)
  })

  it('tells runs of one name apart by the ends of their ids', async () => {
    const server = await startServer()
    for (const id of ['seed-000001', 'seed-000002']) {
      await server.put(id, { ...capped, name: 'sweep' })
      await server.send(id, steps(100, quiet))
    }
    const page = await openPage()
    await page.goto(`${server.url}/compare?run=seed-000001`)
    await page.getByRole('button', { name: /sweep/ }).click()
    for (const name of ['sweep 000001', 'sweep 000002']) {
      await page.getByRole('link', { name }).waitFor()
      await page.getByRole('columnheader', { name }).first().waitFor()
    }
  })
})

/** Which steps of a run were asked for last; `undefined` before. */
function seriesAsked(page: Page, url: string) {
  let last: { from: number; to: number } | undefined
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/api/v1/runs/quick/series`)) return
    const query = new URL(request.url()).searchParams
    last = { from: Number(query.get('from')), to: Number(query.get('to')) }
  })
  return () => last
}
