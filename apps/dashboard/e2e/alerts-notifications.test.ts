import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

const capped = { name: 'clip 1.0', clip: { mode: 'norm', max_norm: 1 } } as const

describe('notifications of the browser', () => {
  it('are shown after a click, for what opens and what closes, on any page, and are remembered', async () => {
    const server = await startServer()
    await server.put('r', capped)
    await server.send('r', steps(100, quiet))
    const page = await openPage({ permissions: ['notifications'] })
    const shown = await recordNotifications(page)
    await page.goto(`${server.url}/channels`)
    const card = page.getByRole('article', { name: 'This browser' })
    await card.getByText('○ Off').waitFor()
    await card.getByRole('button', { name: 'Turn on' }).click()
    await card.getByText('✓ On').waitFor()
    await page.goto(`${server.url}/tokens`)
    const live = page.waitForEvent('websocket')
    await (await live).waitForEvent('framesent')
    await server.send('r', steps(300, high, 100))
    await eventually(() => shown).toEqual([
      { title: '▲ Clipping is saturated', body: expect.stringMatching(/^clip 1\.0 · since step \d+$/) },
    ])
    await page.goto(`${server.url}/runs/r`)
    await (
      await page.waitForEvent('websocket')
    ).waitForEvent('framesent', ({ payload }) => /"runs"/.test(String(payload)))
    await server.call('PATCH', '/runs/r', { status: 'finished' })
    await eventually(() => shown.slice(1)).toEqual([
      { title: '✓ Over: Clipping is saturated', body: expect.stringMatching(/the run finished$/) },
    ])
  })

  it('says so when the browser refuses, and starts when it no longer does', async () => {
    const server = await startServer()
    const page = await openPage({ permissions: [] })
    await page.goto(`${server.url}/channels`)
    const card = page.getByRole('article', { name: 'This browser' })
    await card.getByText('Notifications are blocked for this site').waitFor()
    await page.context().grantPermissions(['notifications'])
    await card.getByRole('button', { name: 'Turn on' }).click()
    await card.getByText('✓ On').waitFor()
    await card.getByRole('button', { name: 'Turn off' }).click()
    await page.reload()
    await card.getByText('○ Off').waitFor()
  })
})

/** What the browser really shows, as it says itself by the event `show`. */
async function recordNotifications(page: Page) {
  const shown: { title: string; body: string }[] = []
  await page.exposeFunction('noteShown', (title: string, body: string) => void shown.push({ title, body }))
  await page.addInitScript(() => {
    const { noteShown } = window as unknown as { noteShown: (title: string, body: string) => void }
    window.Notification = class extends Notification {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options)
        this.addEventListener('show', () => noteShown(this.title, this.body))
      }
    }
  })
  return shown
}
