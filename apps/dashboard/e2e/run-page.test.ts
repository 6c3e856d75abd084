import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

const capped = { clip: { mode: 'norm', max_norm: 1 } } as const
const range = '[role=toolbar] .range'
const norm = 'section:has(h2:text("Pre-clip gradient norm"))'

describe('the page of a run', () => {
  it('follows a running run without jumping, until a person zooms', async () => {
    const server = await startServer()
    await server.put('live', capped)
    await server.send('live', steps(300, quiet))
    const page = await openPage()
    await page.goto(`${server.url}/runs/live`)
    await eventually(() => textOf(page, range)).toMatch(/^steps 0 to 299, every point/)
    const height = await page.locator(norm).evaluate((panel) => panel.clientHeight)
    await server.send('live', steps(200, high, 300))
    await eventually(() => textOf(page, range)).toMatch(/^steps 0 to 499/)
    await eventually(() => textOf(page, `${norm} .legend b`)).toBe(high(499).toPrecision(3))
    expect(await page.locator(norm).evaluate((panel) => panel.clientHeight)).toBe(height)
    await page.getByRole('region', { name: 'Open findings' }).waitFor()
    await page.locator(`${norm} .u-over`).first().scrollIntoViewIfNeeded()
    await drag(page, 0.2, 0.4)
    await eventually(() => textOf(page, range)).toMatch(/^steps (99|100) to (199|200|201)/)
    await server.send('live', steps(100, high, 500))
    await eventually(() => textOf(page, 'dl')).toContain('Last step 599')
    expect(await textOf(page, range)).toMatch(/^steps (99|100) to/)
    await page.keyboard.press('f')
    await eventually(() => textOf(page, range)).toMatch(/to 599,/)
    await page.keyboard.press('0')
    await eventually(() => textOf(page, range)).toMatch(/^steps 0 to 599/)
  })

  it('says nothing of a cap and of a loss that the run does not have', async () => {
    const server = await startServer()
    await server.put('bare', {})
    const { step, grad_norm } = steps(300, quiet)
    await server.send('bare', { step, grad_norm })
    await server.call('PATCH', '/runs/bare', { status: 'finished' })
    const page = await openPage()
    await page.goto(`${server.url}/runs/bare`)
    const figures = page.getByRole('region', { name: 'Figures of the run' })
    await figures.getByText('median').waitFor()
    expect(await figures.innerText()).not.toMatch(/cap|clipped|streak/i)
    expect(await page.locator('.chart').count()).toBe(1)
  })

  it('fetches finer buckets where it is zoomed, down to single points', async () => {
    const server = await startServer()
    await server.put('long', capped)
    for (let from = 0; from < 40_000; from += 10_000) await server.send('long', steps(10_000, quiet, from))
    const page = await openPage()
    await page.goto(`${server.url}/runs/long`)
    await eventually(() => textOf(page, range)).toContain('32 steps a bucket')
    await drag(page, 0.5, 0.6)
    await eventually(() => textOf(page, range)).toMatch(/steps 19 9\d\d to 2[34] \d{3}, 8 steps a bucket/)
    await drag(page, 0.5, 0.55)
    await eventually(() => textOf(page, range)).toContain('every point')
    await page.mouse.dblclick(...(await at(page, 0.5)))
    await eventually(() => textOf(page, range)).toContain('32 steps a bucket')
  })

  it('marks NaN and infinite norms, and says under the cursor how many', async () => {
    const server = await startServer()
    await server.put('amp', capped)
    await server.send(
      'amp',
      steps(200, (step) => (step === 100 ? 'NaN' : step === 101 ? 'Infinity' : quiet(step))),
    )
    await server.put('clean', capped)
    await server.send('clean', steps(200, quiet))
    const page = await openPage()
    await page.goto(`${server.url}/runs/clean`)
    await page.locator(`${norm} canvas`).first().waitFor()
    expect(await pixelsOf(page, 'nonfinite')).toBe(0)
    await page.goto(`${server.url}/runs/amp`)
    await eventually(() => pixelsOf(page, 'nonfinite')).toBeGreaterThan(20)
    await page.mouse.move(...(await at(page, 100 / 199)))
    await eventually(() => textOf(page, `${norm} .legend`)).toMatch(/step 100 NaN ▽ 1 not finite/)
    await page.getByText('1 closed finding').click()
    await page.getByRole('heading', { name: 'NaN or infinite readings' }).waitFor()
  })

  it('draws dots for few points, and none once there are many', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send('run', steps(3, high))
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    // three norms above the cap are three dots
    await eventually(() => pixelsOf(page, 'cap', 0.4, 0.4)).toBeGreaterThan(20)
    await server.send('run', steps(300, quiet, 3))
    await eventually(() => textOf(page, range)).toMatch(/^steps 0 to 302/)
    await eventually(() => pixelsOf(page, 'cap', 0.4, 0.4)).toBe(0)
  })

  it('shows the norm on a log axis, and on a linear one by a key', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send(
      'run',
      steps(200, (step) => (step === 50 ? 0 : 10 ** (step / 50 - 2))),
    )
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    const log = page.locator(norm).getByRole('button', { name: 'log' })
    await eventually(() => log.getAttribute('aria-pressed')).toBe('true')
    await eventually(() => textOf(page, `${norm} .legend`)).toContain('cannot be shown on a log axis')
    await page.keyboard.press('l')
    await eventually(() => log.getAttribute('aria-pressed')).toBe('false')
    expect(await textOf(page, `${norm} .legend`)).not.toContain('cannot be shown on a log axis')
  })

  it('is read, zoomed and panned by keys alone, which say what is under the cursor', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send(
      'run',
      steps(1_001, (step) => step + 1),
    )
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    await page.locator(`${norm} .u-over`).first().waitFor()
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowLeft')
    await page.getByRole('status').filter({ hasText: 'step 998: norm 999, loss 2.14' }).waitFor()
    await eventually(() => textOf(page, `${norm} .legend`)).toMatch(/^step 998 999/)
    const cursors = page.locator('.u-cursor-x')
    const places = () => cursors.evaluateAll((lines) => lines.map((line) => line.style.transform))
    await eventually(async () => new Set(await places()).size).toBe(1)
    for (let i = 0; i < 3; i++) await page.keyboard.press('+')
    await eventually(() => textOf(page, range)).toMatch(/^steps 70\d to 1 000/)
    await page.keyboard.press('Shift+ArrowLeft')
    await eventually(() => textOf(page, range)).toMatch(/^steps 62\d to 92\d/)
    await page.keyboard.press('0')
    await eventually(() => textOf(page, range)).toMatch(/^steps 0 to 1 000/)
    await page.keyboard.press('c')
    await page.getByRole('heading', { name: 'Choose what to compare run with' }).waitFor()
  })

  it('lists what was found with its figures, and zooms to it', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send(
      'run',
      steps(2_000, (step) => (step < 1_500 ? quiet(step) : high(step))),
    )
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    const open = page.getByRole('region', { name: 'Open findings' })
    await eventually(() => open.innerText()).toMatch(/Clipping is saturated[^]*step 1.[5-6]\d\d/)
    await open.getByRole('button', { name: 'Details' }).click()
    await eventually(() => open.innerText()).toContain('share clipped')
    await page.getByRole('button', { name: /^Zoom to: Clipping is saturated/ }).click()
    await eventually(() => textOf(page, range)).toMatch(/^steps 1 [234]\d\d to 1 999/)
  })

  it('answers first, in one low block, also when the run has ended', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send('run', steps(200, quiet))
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    const verdict = page.locator('.verdict')
    await eventually(() => textOf(page, '.verdict')).toMatch(/● ok ?: clipped in 0% of the last/)
    await server.send('run', steps(2_000, high, 200))
    await eventually(() => textOf(page, '.verdict')).toMatch(/▲ flagged.*Clipping is saturated.*step \d+/)
    expect((await verdict.boundingBox())?.height).toBeLessThanOrEqual(160)
    await server.call('PATCH', '/runs/run', { status: 'finished' })
    const end = page.getByRole('region', { name: 'Findings at the end of the run' })
    await eventually(() => end.innerText()).toMatch(/Clipping is saturated[^]*closed: the run finished/)
    expect((await end.boundingBox())?.height).toBeLessThanOrEqual(160)
  })

  it('finds any metric by typing, adds its chart, and keeps what is seen in the address', async () => {
    const server = await startServer()
    await server.put('run', capped)
    const columns = steps(400, quiet)
    const ones = columns.step.map(() => 1)
    await server.send('run', { ...columns, 'actor/kl': ones, 'actor/entropy': ones, 'critic/loss': ones })
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    await page.locator(`${norm} .u-over`).first().waitFor()
    const metrics = page.getByRole('button', { name: /^Metrics/ })
    const search = page.getByLabel('Search metrics')
    for (const focused of ['Search metrics', 'Wall time']) {
      await metrics.click()
      await eventually(() => page.evaluate('document.activeElement.ariaLabel')).toBe('Search metrics')
      if (focused === 'Wall time') await page.getByRole('button', { name: focused }).focus()
      await page.keyboard.press('Escape')
      await search.waitFor({ state: 'detached' })
      expect(new URL(page.url()).pathname).toBe('/runs/run')
      await eventually(() => page.evaluate('document.activeElement.title')).toBe(
        'Choose the metrics with a chart (m)',
      )
    }
    await page.keyboard.press('m')
    await search.fill('kl act')
    await page.getByRole('checkbox', { name: 'actor/kl' }).check()
    await page.getByRole('heading', { name: 'actor/kl' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('s')
    await drag(page, 0.25, 0.5)
    await eventually(() => page.url()).toMatch(/smooth=1&from=\d+&to=\d+&chart=lr&chart=actor%2Fkl$/)

    const reader = await openPage()
    await reader.goto(page.url())
    await reader.getByRole('heading', { name: 'actor/kl' }).waitFor()
    expect(await textOf(reader, range)).toBe(await textOf(page, range))
    const place = reader.getByLabel('Place of the zoom in the run')
    await place.press('End')
    await eventually(() => textOf(reader, range)).toMatch(/to 399/)
  })

  it('keeps choices that are made at once, all of them in the address', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send('run', steps(100, quiet))
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    await page.locator('.u-over').first().waitFor()
    await page.evaluate(() => {
      for (const name of ['Since start', 'Smooth', 'post-clip'])
        [...document.querySelectorAll('button')].find((one) => one.textContent.trim() === name)?.click()
    })
    await eventually(() => new URL(page.url()).search).toBe('?axis=elapsed&smooth=1&post=1')
  })

  it('goes where a person has clicked right after a choice, however slow the way there is', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send('run', steps(100, quiet))
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    await page.locator('.u-over').first().waitFor()
    await page.waitForLoadState('networkidle')
    let letThrough: () => void = () => undefined
    const isFree = new Promise<void>((resolve) => (letThrough = resolve))
    await page.route('**/_app/immutable/**', async (route) => {
      await isFree
      await route.continue()
    })
    await page.getByRole('button', { name: 'Smooth' }).click()
    await page.getByRole('link', { name: 'Data' }).click()
    // Longer than a choice rests before the address has it.
    await page.evaluate('new Promise((done) => setTimeout(done, 600))')
    letThrough()
    await page.waitForURL(/\/runs\/run\/data$/)
    await page.getByRole('link', { name: 'Data' }).and(page.locator('[aria-current=page]')).waitFor()
  })

  it('marks events on the time line, named for a pointer and by the keyboard, as they come', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send('run', steps(400, quiet))
    await server.call('POST', '/runs/run/events', { events: [{ step: 100, label: 'checkpoint restored' }] })
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    const lane = page.getByRole('group', { name: 'Events on the time line' })
    await lane.getByRole('button', { name: 'step 100: checkpoint restored' }).focus()
    await lane.getByText('step 100: checkpoint restored').waitFor()
    await server.call('POST', '/runs/run/events', {
      events: [{ step: 300, label: 'lr changed', text: '1e-4' }],
    })
    await lane.getByRole('button', { name: 'step 300: lr changed, 1e-4' }).press('Enter')
    await eventually(() => textOf(page, `${norm} .legend`)).toMatch(/^step 300 /)
  })

  it('notes an event by hand, and hands out every metric around a step', async () => {
    const server = await startServer()
    await server.put('run', capped)
    await server.send('run', steps(100, quiet))
    const page = await openPage()
    await page.goto(`${server.url}/runs/run`)
    await page.getByRole('button', { name: 'Note an event' }).click()
    await page.getByLabel('Label').fill('new data')
    await page.getByRole('spinbutton', { name: 'Step' }).fill('50')
    await page.getByRole('button', { name: 'Note it' }).click()
    await page.getByRole('button', { name: 'step 50: new data' }).waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Snapshot' }).click(),
    ])
    expect(JSON.parse(await readFile(await download.path(), 'utf8'))).toMatchObject({ around: 99, width: 20 })
  })

  it('changes the run’s name and cap, and deletes it only when its name is typed', async () => {
    const server = await startServer()
    await server.put('run', { ...capped, name: 'first try' })
    await server.send('run', steps(100, quiet))
    const page = await openPage({ mayComplain: /404/ })
    await page.goto(`${server.url}/runs/run`)
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Name').fill('second try')
    await page.getByLabel('max_norm').fill('0.25')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('heading', { name: 'second try' }).waitFor()
    await eventually(() => textOf(page, 'dl')).toContain('norm ≤ 0.25')
    const other = await page.context().newPage()
    await other.goto(`${server.url}/runs/run`)
    await other.getByRole('heading', { name: 'second try' }).waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    const confirm = page.getByRole('button', { name: 'Delete the run' })
    expect(await confirm.isDisabled()).toBe(true)
    await page.getByLabel('Type the run’s name').fill('second try')
    await confirm.click()
    await page.getByText('No runs yet').waitFor()
    await other.getByText('This run was deleted').waitFor()
    await other.reload()
    await other.getByText('Run not found').waitFor()
  })
})

async function at(page: Page, share: number): Promise<[number, number]> {
  const box = await page.locator(`${norm} .u-over`).first().boundingBox()
  if (box === null) throw new Error('The chart has no place on the page.')
  return [box.x + share * box.width, box.y + box.height / 2]
}

async function drag(page: Page, from: number, to: number): Promise<void> {
  await page.mouse.move(...(await at(page, from)))
  await page.mouse.down()
  await page.mouse.move(...(await at(page, (from + to) / 2)))
  await page.mouse.move(...(await at(page, to)))
  await page.mouse.up()
}

/** Pixels of the norm's chart that have a colour of the style sheet, right of a share of its width and above one of its height. */
function pixelsOf(page: Page, colour: string, right = 0, above = 1): Promise<number> {
  return page
    .locator(`${norm} canvas`)
    .first()
    .evaluate(
      (element, { colour, right, above }) => {
        const probe = document.createElement('i')
        document.body.append(probe)
        probe.style.color = `var(--${colour})`
        const [red, green, blue] = (getComputedStyle(probe).color.match(/\d+/g) ?? []).map(Number)
        probe.remove()
        const { width, height } = element as HTMLCanvasElement
        const context = (element as HTMLCanvasElement).getContext('2d')
        const data = context?.getImageData(right * width, 0, (1 - right) * width, above * height).data ?? []
        let count = 0
        for (let i = 0; i < data.length; i += 4)
          if (data[i] === red && data[i + 1] === green && data[i + 2] === blue) count++
        return count
      },
      { colour, right, above },
    )
}
