import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'

const NORMWATCH = join(import.meta.dirname, '../../server/src/cli/normwatch.ts')

it(
  'opens an exported run from a file, with pan, zoom and findings, and asks no network',
  { timeout: 240_000 },
  async () => {
    const { url } = await startServer()
    const send = async (method: string, path: string, body: object) => {
      const headers = { 'content-type': 'application/json' }
      const reply = await fetch(`${url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) })
      expect(reply.ok, await reply.text()).toBe(true)
    }
    const name = '</script><b>long run</b>'
    await send('PUT', '/runs/long', { name, clip: { mode: 'norm', max_norm: 1 } })
    for (let from = 0; from < 50_000; from += 10_000) {
      const step = Array.from({ length: 10_000 }, (_, i) => from + i)
      const grad_norm = step.map((one) =>
        one === 500 ? 'NaN' : (one > 30_000 ? 4 : 0.5) * (1 + (one % 7) / 20),
      )
      await send('POST', '/runs/long/points', {
        columns: {
          step,
          grad_norm,
          loss: step.map((one) => 2 - one / 1e5),
          max_norm: step.map((one) => (one < 40_000 ? 1 : 2)),
          layers: {
            encoder: step.map((one) => (one > 30_000 ? 4 : 0.5)),
            'decoder.10': step.map(() => 0.25),
            'decoder.9': step.map(() => 0.125),
          },
        },
      })
    }
    await send('POST', '/runs/long/events', { events: [{ step: 20_000, label: 'warm-up <over>' }] })
    const folder = await mkdtemp(join(tmpdir(), 'normwatch-page-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'long.html')
    const args = [NORMWATCH, 'export', 'long', '--format', 'html', '--output', file]
    await promisify(execFile)(process.execPath, args, { env: { ...process.env, NORMWATCH_URL: url } })
    expect(statSync(file).size).toBeLessThanOrEqual(1_000_000)

    const page = await openPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(pathToFileURL(file).href)
    expect(await textOf(page, 'h1')).toBe(name)
    expect(await textOf(page, 'dl')).toContain('16 steps a point')
    // the norm, the loss and the layers
    expect(await page.locator('canvas').count()).toBe(3)
    expect(await textOf(page, 'li')).toContain('Step 20,000: warm-up <over>')
    expect(await page.locator('section:has(h2:text-is("Layers")) p').innerText()).toMatch(
      /^mean norm in \d+ steps, from 0\.125 \(dark\) to 4 \(light\) on a log scale$/,
    )
    expect(await page.locator('article h2').allInnerTexts()).toContain('Clipping saturated')
    const range = () => textOf(page, '#range')
    expect(await range()).toBe('steps 0 – 49,984')
    const isNear = async (...wanted: number[]) => {
      const steps = [...(await range()).matchAll(/[\d,]+/g)].map(([digits]) =>
        Number(digits.replaceAll(',', '')),
      )
      return steps.every((step, i) => Math.abs(step - (wanted[i] ?? NaN)) < 200)
    }
    await page.getByLabel('Zoom in').click()
    await eventually(range).toBe('steps 12,496 – 37,488')
    await page.getByLabel('Later steps').click()
    await eventually(range).toBe('steps 24,992 – 49,984')

    const box = await page.locator('.u-over').first().boundingBox()
    if (box === null) throw new Error('there is no chart')
    const [left, middle, right] = [0.25, 0.5, 0.75].map((share) => box.x + share * box.width)
    const y = box.y + box.height / 2
    const drag = async (from = 0, to = 0) => {
      await page.mouse.move(from, y)
      await page.mouse.down()
      await page.mouse.move((from + to) / 2, y)
      await page.mouse.move(to, y)
      await page.mouse.up()
    }
    await drag(left, right)
    await eventually(() => isNear(31_240, 43_736)).toBe(true)
    await page.keyboard.down('Shift')
    await drag(middle, right)
    await page.keyboard.up('Shift')
    await eventually(() => isNear(28_116, 40_612)).toBe(true)
    await page.mouse.dblclick(middle ?? 0, y)
    await eventually(range).toBe('steps 0 – 49,984')
    await page.locator('canvas.layers').focus()
    await page.keyboard.press('ArrowDown')
    expect(await page.locator('section:has(h2:text-is("Layers")) p').innerText()).toBe(
      'decoder.10 from step 0: 0.25',
    )
    expect(asked).toEqual([pathToFileURL(file).href])
  },
)
