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
  const projects = page.getByLabel('Projects')
  await projects.fill('eu, west')
  await projects.press('Enter')
  await projects.fill('typo')
  await projects.press('Enter')
  await projects.press('Backspace')
  await page.getByRole('button', { name: 'Remove typo' }).waitFor({ state: 'detached' })
  // What still stands in the field counts too.
  await projects.fill('vision')
  await page.getByRole('button', { name: 'Create token' }).click()
  await page.getByRole('row', { name: /ci write eu, west, vision everywhere/ }).waitFor()
  const shown = SECRET.exec(await page.locator('main section[role=status]').innerText())?.[0] as string
  const status = async () =>
    (await fetch(`${server.url}/api/v1/runs/r`, { headers: { authorization: `Bearer ${shown}` } })).status
  expect(await status()).toBe(403)
  const row = page.getByRole('row', { name: /ci write eu, west, vision everywhere until/ })
  await row.getByRole('button', { name: 'Revoke ci' }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Revoke this token?' })
  await dialog.getByText('Requests with ci will be refused at once').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  expect(await status()).toBe(403)
  expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Revoke ci')
  await page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: 'Revoke the token' }).press('Enter')
  await page.getByRole('row', { name: /ci write eu, west, vision everywhere revoked/ }).waitFor()
  await eventually(() => page.evaluate('document.activeElement.innerText')).toMatch(
    /^ci\s+write\s+eu, west, vision\s+everywhere\s+revoked/,
  )
  expect(await status()).toBe(401)
  await page.reload()
  await page.getByRole('row', { name: /ci write eu, west, vision everywhere revoked/ }).waitFor()
  expect(await page.content()).not.toMatch(SECRET)

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/\/sign-in$/)
  await page.goto(server.url)
  await eventually(() => page.url()).toContain('/sign-in')
})

it('shows all of a token and what revokes it on a phone, nothing covered, with no sideways scrolling', async () => {
  const server = await startServer()
  const { token } = await server.call<{ token: string }>('POST', '/tokens', { name: 'Ada', scope: 'admin' })
  const page = await openPage({ viewport: { width: 360, height: 800 }, mayComplain: /401|WebSocket/ })
  await page.goto(`${server.url}/tokens`)
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  const button = page.getByRole('button', { name: 'Revoke Ada' })
  await button.waitFor()
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
  const covered = await page
    .locator('tbody tr > *')
    .evaluateAll((cells) =>
      cells
        .map((cell) => cell.getBoundingClientRect())
        .filter(
          (one, i, all) =>
            one.right > innerWidth ||
            all.some(
              (other, j) =>
                i !== j &&
                Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
                Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1,
            ),
        ),
    )
  expect(covered).toEqual([])
  const names = await page
    .locator('tbody td[data-label]')
    .evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell, '::before').content))
  expect(names).toEqual(['"Scope"', '"Projects"', '"From"', '"State"', '"Made"', '"Used"'])
})

it('says nothing of tokens where none is asked for', async () => {
  const server = await startServer()
  const page = await openPage()
  await page.goto(server.url)
  await page.getByRole('heading').first().waitFor()
  expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0)
})

it('keeps what was entered where the session has ended, says so, and takes it after signing in elsewhere', async () => {
  const server = await startServer()
  await server.put('r')
  const { token } = await server.call<{ token: string }>('POST', '/tokens', { name: 'Ada', scope: 'admin' })
  const page = await openPage({ mayComplain: /401|WebSocket/ })
  const signIn = async (of: typeof page) => {
    await eventually(() => of.evaluate('document.activeElement.type')).toBe('password')
    await of.keyboard.type(token)
    await of.keyboard.press('Enter')
    await of.getByRole('button', { name: 'Edit' }).waitFor()
  }
  await page.goto(`${server.url}/runs/r`)
  await signIn(page)
  await page.getByRole('button', { name: 'Edit' }).click()
  await page.getByLabel('Name').fill('a long thought')
  await page.context().clearCookies()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('You are no longer signed in.').waitFor()
  const other = await page.context().newPage()
  await other.goto(`${server.url}/runs/r`)
  await signIn(other)
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('heading', { name: 'a long thought' }).waitFor()
})

it('needs no sideways scrolling on a small phone once a person is signed in', async () => {
  const server = await startServer()
  await server.put('r', { parts: { ['p'.repeat(60)]: {}, ['q'.repeat(60)]: {} } })
  await server.send('r', {
    step: [0, 1],
    [`grad_norm/${'p'.repeat(60)}`]: [1, 2],
    [`grad_norm/${'q'.repeat(60)}`]: [1, 2],
  })
  const { token } = await server.call<{ token: string }>('POST', '/tokens', { name: 'Ada', scope: 'admin' })
  const page = await openPage({ viewport: { width: 320, height: 640 }, mayComplain: /401|WebSocket/ })
  await page.goto(server.url)
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Sign out' }).waitFor()
  for (const path of ['/', '/runs/r', '/channels', '/projects/default']) {
    await page.goto(server.url + path)
    await page.locator('h1').first().waitFor()
    if (path === '/runs/r') await page.getByRole('combobox', { name: 'Part' }).waitFor()
    const room = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect([path, room]).toEqual([path, 0])
  }
})
