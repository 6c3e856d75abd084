import { describe, expect, it } from 'vitest'
import { faultsOf } from './axe.ts'
import { openPage } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

/** Each page, and a part that is there when all of it is. */
const PAGES = [
  ['the runs', '/', '[data-run]'],
  ['a run', '/runs/high', '.u-over'],
  ['its layers', '/runs/high/layers', 'canvas'],
  ['its data', '/runs/high/data', '[role=row], tr'],
  ['its settings', '/runs/high/settings', 'section[aria-live]'],
  ['its deliveries', '/runs/high/deliveries', 'main h1, main h2'],
  ['a comparison', '/compare?run=high&run=quiet', '.u-over'],
  ['a project', '/projects/toy?column=config:lr&group=lr', 'table'],
  ['its settings', '/projects/toy/settings', 'section[aria-live]'],
  ['the channels', '/channels', 'main button'],
  ['the tokens', '/tokens', 'main h1'],
  ['the people', '/people', 'main table'],
  ['the usage', '/usage', 'main tbody button'],
  ['the audit log', '/audit', 'main [data-ok]'],
  ['the sign-in', '/sign-in', 'main form'],
  ['a page that is not there', '/nowhere', 'main h1'],
] as const

describe('read by a screen reader', () => {
  it.each(['light', 'dark'] as const)('no page has a fault that axe finds, %s', async (colorScheme) => {
    const server = await startServer()
    await server.put('quiet', { project: 'toy', clip: { mode: 'norm', max_norm: 1 } })
    await server.put('high', { project: 'toy', clip: { mode: 'norm', max_norm: 1 }, tags: ['tried'] })
    await server.send('quiet', steps(300, quiet))
    const clipped = steps(300, high)
    const layers = { 'h.0': clipped.grad_norm, 'h.1': clipped.grad_norm }
    await server.call('POST', '/runs/high/points', { columns: { ...clipped, layers } })
    const page = await openPage({ colorScheme, mayComplain: /404/ })
    const faults: Record<string, readonly string[]> = {}
    for (const [name, path, part] of PAGES) {
      await page.goto(server.url + path)
      await page.locator(part).first().waitFor()
      const found = await faultsOf(page)
      if (found.length > 0) faults[name] = found
    }
    expect(faults).toEqual({})
  })
})
