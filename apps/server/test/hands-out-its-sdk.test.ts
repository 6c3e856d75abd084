import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { layout } from '../src/layout.ts'
import { VERSION } from '../src/version.ts'
import { startApp } from './start-app.ts'

const shared = { isShared: true, basePath: '/normwatch' }

it('hands its Python SDK to everybody, as the archive that pip takes', async () => {
  const app = await startApp({ access: shared })
  const reply = await app.inject({ url: '/sdk/python', headers: { accept: '*/*' } })
  expect(reply).toMatchObject({
    status: 200,
    headers: {
      'content-type': 'application/gzip',
      'content-disposition': `attachment; filename="normwatch-${VERSION}.tar.gz"`,
      vary: 'accept',
    },
  })
  const named = await app.inject({ url: `/sdk/python/normwatch-${VERSION}.tar.gz` })
  expect(named).toMatchObject({ status: 200, text: reply.text })
  expect((await app.inject({ url: '/sdk/python/normwatch-0.0.0.tar.gz' })).status).toBe(404)
})

it('shows a browser the line to paste, with the address that the reader used', async () => {
  const app = await startApp({ access: shared })
  const headers = { accept: 'text/html,*/*;q=0.8', host: 'gpu-4.example:4280' }
  const { text } = await app.inject({ url: '/normwatch/sdk/python', headers })
  expect(text).toContain('pip install http://gpu-4.example:4280/normwatch/sdk/python<')
  expect(text).toContain(`href="python/normwatch-${VERSION}.tar.gz"`)
  expect(text).not.toMatch(/<script/)
  expect((await app.inject({ url: '/docs/page.css' })).status).toBe(200)
})

it('hands out the npm package too, or says what builds it', async () => {
  const app = await startApp({ access: shared })
  const headers = { accept: 'text/html', host: 'gpu-4.example:4280' }
  const { text } = await app.inject({ url: '/normwatch/sdk/npm', headers })
  expect(text).toContain('npm install http://gpu-4.example:4280/normwatch/sdk/npm<')
  expect(text).toContain(`href="npm/normwatch-sdk-${VERSION}.tgz"`)
  const reply = await app.inject({ url: '/sdk/npm', headers: { accept: '*/*' } })
  if (existsSync(layout.npmSdk)) expect(reply).toMatchObject({ status: 200, headers: { vary: 'accept' } })
  else expect(reply.body.error.message).toContain('npm run build -w packages/sdk')
})

it('writes no foreign markup into that page', async () => {
  const app = await startApp({ access: shared })
  const headers = { accept: 'text/html', host: '"><script>alert(1)</script>' }
  const { text } = await app.inject({ url: '/sdk/python', headers })
  expect(text).not.toContain('<script')
})
