import { expect, it } from 'vitest'
import { openPage } from './open-page.ts'
import { startServer } from './start-server.ts'

it('describes the API on a page that the browser finds nothing to refuse in', async () => {
  const { url } = await startServer()
  const policy = (await fetch(`${url}/docs/`)).headers.get('content-security-policy')
  expect(policy).toContain(`default-src 'none'`)
  expect(policy).not.toContain('unsafe')
  const page = await openPage()
  await page.goto(`${url}/docs/`)
  await page.getByText('Send points, as rows or as columns').click()
  await page.getByText('curl -X POST http://127.0.0.1:4280/api/v1/runs/first/points').waitFor()
  expect(await page.title()).toBe('Normwatch API')
})
