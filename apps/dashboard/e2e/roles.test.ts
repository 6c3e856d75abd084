import type { NewToken } from '@normwatch/protocol'
import { expect, it } from 'vitest'
import { openPage } from './open-page.ts'
import { startServer } from './start-server.ts'

const saturated = {
  step: Array.from({ length: 400 }, (_, i) => i),
  grad_norm: new Array<number>(400).fill(3),
}

/** A server with a flagged run in each of the projects vision and speech, a mute of each, and tokens for both. */
async function startShared() {
  const server = await startServer()
  for (const project of ['vision', 'speech']) {
    await server.put(`of-${project}`, { project, clip: { mode: 'norm', max_norm: 1 } })
    await server.send(`of-${project}`, saturated)
    const until = new Date(Date.now() + 3_600_000).toISOString()
    await server.call('POST', '/mutes', { run: `of-${project}`, until })
  }
  let headers: Record<string, string> = {}
  const token = async (fields: Omit<NewToken, 'name'>) => {
    const response = await fetch(`${server.url}/api/v1/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ name: `${fields.scope}er`, ...fields }),
    })
    return ((await response.json()) as { token: string }).token
  }
  headers = { authorization: `Bearer ${await token({ scope: 'admin' })}` }

  /** A browser that has signed in with a new token. */
  async function signedIn(fields: Omit<NewToken, 'name'>) {
    const page = await openPage({ mayComplain: /401|WebSocket/ })
    await page.goto(`${server.url}/sign-in`)
    await page.getByLabel('Token').fill(await token(fields))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(`${server.url}/`)
    return page
  }
  return { url: server.url, signedIn }
}

it('offers a reader nothing that would be refused, and says so', async () => {
  const { url, signedIn } = await startShared()
  const page = await signedIn({ scope: 'read', projects: ['vision', 'nlp-*'] })
  await page.getByRole('link', { name: 'of-vision' }).first().waitFor()
  expect(await page.getByRole('link', { name: 'of-speech' }).count()).toBe(0)
  const absent = async (...names: string[]) => {
    for (const name of names)
      expect([name, await page.getByRole('button', { name }).count()]).toEqual([name, 0])
  }
  await absent('Import logs')

  await page.goto(`${url}/runs/of-vision`)
  await page.getByText('You may read this project, not change it.').waitFor()
  await page.getByText('No channel was notified.').waitFor()
  await absent('Note an event', 'Edit', 'Delete', 'Mute')

  await page.goto(`${url}/runs/of-vision/settings`)
  await page.getByText('only admins of the project vision may save them').waitFor()
  await absent('Save')

  await page.goto(`${url}/channels`)
  await page.getByText('only admins of all of them may see and change channels').waitFor()
  await page.getByText('Only admins of a project may mute its findings.').waitFor()
  await page.getByText('of-vision').waitFor()
  expect(await page.getByText('of-speech').count()).toBe(0)
  await absent('Add a channel', 'Mute', 'End the mute')
  expect(await page.getByRole('link', { name: 'Workspace' }).count()).toBe(0)

  await page.goto(`${url}/tokens`)
  await page.getByText('Only admins of all projects may see and make tokens.').waitFor()
  await absent('New token')
})

it('lets who leads a project change, mute and delete there, and nowhere else', async () => {
  const { url, signedIn } = await startShared()
  const page = await signedIn({ scope: 'admin', project: 'vision' })
  await page.getByRole('button', { name: 'Import logs' }).waitFor()

  await page.goto(`${url}/projects/vision/settings`)
  await page.getByRole('button', { name: 'Save' }).waitFor()

  await page.goto(`${url}/channels`)
  await page.getByRole('button', { name: /End the mute: .*of-vision/ }).click()
  await page.getByText('Nothing is muted.').waitFor()

  await page.goto(`${url}/runs/of-vision`)
  await page.getByRole('button', { name: 'Mute' }).waitFor()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByLabel('Type the run’s name to confirm').fill('of-vision')
  await page.getByRole('button', { name: 'Delete the run' }).click()
  await page.waitForURL(`${url}/`)
  await page.getByText('Only runs of your projects are shown here.').waitFor()
})
