import { expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'

const SECRET = /nw_[A-Za-z0-9_-]{43}/

it('asks for a token once there is one, signs in and out, and never shows a token twice', async () => {
  const server = await startServer()
  await server.put('r', { name: 'behind the door' })
  const { token } = await server.call<{ token: string }>('POST', '/tokens', { name: 'Ada', scope: 'admin' })
  const page = await openPage({ mayComplain: /401|WebSocket/ })

  await page.goto(`${server.url}/?q=behind`)
  await page.waitForURL(/\/sign-in\?to=/)
  await page.getByLabel('Token').fill('nw_mistyped')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').getByText('Unknown token.').waitFor()
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${server.url}/?q=behind`)
  await page.getByText('behind the door').first().waitFor()
  expect(await page.evaluate('document.cookie')).toBe('')

  await page.getByRole('link', { name: 'Workspace' }).click()
  await page.getByRole('row', { name: /Ada this browser a token/ }).waitFor()
  await page.getByRole('link', { name: 'Tokens' }).click()
  await page.getByRole('button', { name: 'New token' }).click()
  await page.getByLabel('Name').fill('ci')
  await page.getByLabel('Project').fill('vision')
  await page.getByRole('button', { name: 'Create token' }).click()
  const shown = SECRET.exec(await page.locator('main section[role=status]').innerText())?.[0] as string
  const status = async () =>
    (await fetch(`${server.url}/api/v1/runs/r`, { headers: { authorization: `Bearer ${shown}` } })).status
  expect(await status()).toBe(403)
  const row = page.getByRole('row', { name: /ci write vision everywhere until/ })
  await row.getByRole('button', { name: 'Revoke ci' }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Revoke this token?' })
  await dialog.getByText('Requests with ci will be refused at once').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  expect(await status()).toBe(403)
  expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Revoke ci')
  await page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: 'Revoke the token' }).press('Enter')
  await page.getByRole('row', { name: /ci write vision everywhere revoked/ }).waitFor()
  await eventually(() => page.evaluate('document.activeElement.innerText')).toMatch(
    /^ci\s+write\s+vision\s+everywhere\s+revoked/,
  )
  expect(await status()).toBe(401)
  await page.reload()
  await page.getByRole('row', { name: /ci write vision everywhere revoked/ }).waitFor()
  expect(await page.content()).not.toMatch(SECRET)

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/\/sign-in$/)
  await page.goto(server.url)
  await eventually(() => page.url()).toContain('/sign-in')
})

it('shows names and what revokes them on a phone, with no sideways scrolling', async () => {
  const server = await startServer()
  const { token } = await server.call<{ token: string }>('POST', '/tokens', { name: 'Ada', scope: 'admin' })
  const page = await openPage({ viewport: { width: 360, height: 800 }, mayComplain: /401|WebSocket/ })
  await page.goto(`${server.url}/tokens`)
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  const button = page.getByRole('button', { name: 'Revoke Ada' })
  await button.waitFor()
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
  const { x = 0, width = 0 } = (await button.boundingBox()) ?? {}
  expect(x + width).toBeLessThanOrEqual(360)
})

it('says nothing of tokens where none is asked for', async () => {
  const server = await startServer()
  const page = await openPage()
  await page.goto(server.url)
  await page.getByRole('heading').first().waitFor()
  expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0)
})
