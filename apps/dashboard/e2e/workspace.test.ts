import { readFile } from 'node:fs/promises'
import type { AuditChain } from '@normwatch/protocol'
import { expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'

const until = '2100-01-01T00:00:00Z'

it('shows admins who changed what, filtered, page by page, as a file, and whether the log is whole', async () => {
  const server = await startServer()
  await server.put('r', { project: 'vision' })
  for (let i = 0; i < 101; i++) await server.call('POST', '/mutes', { project: 'vision', until })
  await server.call('DELETE', '/runs/r')
  const page = await openPage()
  await page.goto(server.url)
  await page.getByRole('link', { name: 'Workspace' }).click()
  await page.getByText('Nobody is signed in.').waitFor()
  await page.getByRole('link', { name: 'Audit' }).press('Enter')
  await page.getByText('The chain is whole: 102 entries.').waitFor()
  expect(await page.getByRole('link', { name: 'Audit' }).getAttribute('aria-current')).toBe('page')

  const rows = page.locator('tbody tr')
  await eventually(() => rows.count()).toBe(100)
  await page.getByRole('row', { name: /owner deleted a run run r vision 127\.0\.0\.1/ }).waitFor()
  await page.getByRole('button', { name: 'Load older' }).press('Enter')
  await eventually(() => rows.count()).toBe(102)
  expect(await page.getByRole('button', { name: 'Load older' }).count()).toBe(0)

  await page.getByLabel('Action').selectOption('deleted a run')
  await eventually(() => rows.count()).toBe(1)
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export as JSON lines' }).click()
  const lines = await readFile(await (await download).path(), 'utf8')
  expect(
    lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).action),
  ).toEqual(['run.delete'])

  await page.getByLabel('Who').fill('nobody')
  await page.getByLabel('Who').press('Enter')
  await page.getByText('No entry matches.').waitFor()
  await page.getByRole('button', { name: 'Clear' }).press('Enter')
  await eventually(() => rows.count()).toBe(100)
  await page.getByLabel('To', { exact: true }).fill('2020-01-01')
  await page.getByText('No entry matches.').waitFor()
})

it('says that the log was tampered with, and that it cannot be loaded', async () => {
  const server = await startServer()
  const page = await openPage({ mayComplain: /503/ })
  const fault = { number: 7, message: 'Entry 7 is missing.' }
  await page.route('**/api/v1/audit/verify', async (route) => {
    const chain = (await (await route.fetch()).json()) as AuditChain
    await route.fulfill({ json: { ...chain, ok: false, fault } })
  })
  let isAway = true
  await page.route('**/api/v1/audit?*', (route) => {
    const error = { code: 'store_unavailable', message: 'The disk that holds the data is full.', details: [] }
    return isAway ? route.fulfill({ status: 503, json: { error } }) : route.continue()
  })
  await page.goto(`${server.url}/audit`)
  await page.getByRole('alert').getByText('The disk that holds the data is full.').waitFor()
  isAway = false
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByText('The log was tampered with or damaged: Entry 7 is missing.').waitFor()
  await page.getByText('Nothing was recorded yet').waitFor()
})

it('ends the session of another browser from the list of who is signed in', async () => {
  const token = `nw_${'a'.repeat(43)}`
  const server = await startServer({ NORMWATCH_TOKEN: token })
  const signIn = async () => {
    const page = await openPage({ mayComplain: /401|WebSocket/ })
    await page.goto(`${server.url}/people`)
    await page.getByLabel('Token').fill(token)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('row', { name: /operator this browser a token/ }).waitFor()
    return page
  }
  const other = await signIn()
  const page = await signIn()
  const row = page.getByRole('row', { name: /^operator a token/ })
  await row.getByRole('button', { name: 'End the session of operator' }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'End this session?' })
  await dialog.getByText('operator is signed out in that browser at once').waitFor()
  await dialog.getByRole('button', { name: 'End the session' }).press('Enter')
  await row.waitFor({ state: 'detached' })
  // its next request leads there, which may be one of the page's own or this one
  const isLed = other.waitForURL(/sign-in/)
  await other.goto(`${server.url}/people`).catch(() => undefined)
  await isLed
})

it('shows how much each project holds, and lets an admin limit it from the keyboard', async () => {
  const server = await startServer()
  await server.put('a', { project: 'vision' })
  await server.put('b', { project: 'vision' })
  await server.put('c', { project: 'nlp' })
  await server.send('a', { step: [0, 1, 2], loss: [3, 2, 1] })
  const page = await openPage()
  await page.goto(`${server.url}/usage`)
  const row = page.getByRole('row', { name: /^vision 2 3 1 .* for ever/ })
  await row.waitFor()
  await page.getByLabel('Search projects').fill('NLP')
  await eventually(() => page.locator('tbody tr').count()).toBe(1)
  await page.getByLabel('Search projects').fill('')
  await row.getByRole('button', { name: 'Limits of vision' }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Limits of vision' })
  await dialog.getByLabel('Runs').fill('many')
  await dialog.getByText('A whole number from 1, or nothing for no limit.').waitFor()
  await dialog.getByLabel('Runs').fill('2')
  await dialog.getByLabel('Points').fill('1 000')
  await page.keyboard.press('Enter')
  await page.getByRole('row', { name: /^vision 2 100% of 2, full 3 0\.3% of 1.000 1/ }).waitFor()
  expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Limits of vision')
  await expect(server.put('d', { project: 'vision' })).rejects.toThrow(/403.*limit of 2 runs/)
  await page.reload()
  await page.getByRole('row', { name: /^vision 2 100% of 2, full/ }).waitFor()
})
