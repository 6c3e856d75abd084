import { expect, it } from 'vitest'
import { startIdentityProvider } from '../../server/test/identity-provider.ts'
import { faultsOf } from './axe.ts'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'

const WITH = { name: 'Sign in with Lab ID' }

/** A server at `localhost` and the provider of its people at 127.0.0.1: for a browser, two sites. */
async function startBoth() {
  const provider = await startIdentityProvider()
  const server = await startServer({
    NORMWATCH_OIDC_ISSUER: provider.issuer,
    NORMWATCH_OIDC_CLIENT_ID: provider.settings.clientId,
    NORMWATCH_OIDC_CLIENT_SECRET: provider.settings.clientSecret,
    NORMWATCH_OIDC_NAME: 'Lab ID',
    NORMWATCH_ROLES: 'ml=admin',
  })
  const url = server.url.replace('127.0.0.1', 'localhost')
  await provider.serve(url)
  return { provider, url }
}

it('signs a person in at the provider and back to their page, again without asking, and out of both', async () => {
  const { url } = await startBoth()
  const page = await openPage({ mayComplain: /401|WebSocket/ })
  await page.goto(`${url}/?q=behind`)
  await page.waitForURL(/\/sign-in\?to=/)
  await page.getByRole('button', WITH).click()
  await page.waitForURL(`${url}/?q=behind`)
  await page.getByRole('link', { name: 'Workspace' }).waitFor()
  expect(await page.evaluate('document.cookie')).toBe('')

  // the session is over, and the sign-in was a while ago; a page that is open would notice by itself and leave for the sign-in page
  await page.evaluate(`localStorage.setItem('normwatch.signed-in-with-provider-at', '1')`)
  await page.goto('about:blank')
  await page.context().clearCookies({ domain: 'localhost' })
  await page.goto(`${url}/?q=again`, { waitUntil: 'commit' })
  await page.waitForURL(`${url}/?q=again`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: /sign me out/ }).click()
  await page.waitForURL(/\/sign-in(\?|$)/)
  await page.getByRole('button', WITH).waitFor()
})

it('says why nobody was signed in, and is read by a screen reader', async () => {
  const { provider, url } = await startBoth()
  const page = await openPage({ colorScheme: 'dark', mayComplain: /401|WebSocket/ })
  const said = () => page.getByRole('alert').innerText()
  const tried = async () => {
    await page.goto(`${url}/sign-in`)
    await page.getByRole('button', WITH).click()
    await page.waitForURL(/failed=/)
    await page.getByRole('alert').waitFor()
  }
  provider.person = 'denied'
  await tried()
  expect(await said()).toBe('The sign-in was declined at Lab ID.')
  expect(await faultsOf(page)).toEqual([])
  provider.person = { sub: 'eve', groups: ['sales'] }
  await tried()
  expect(await said()).toContain('none of your groups may use this server')
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
  await page.goto(`${url}/sign-in?failed=unreachable&to=%2F`)
  await eventually(said).toContain('Lab ID cannot be reached now')
})
