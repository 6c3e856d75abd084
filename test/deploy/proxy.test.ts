import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { chromium } from 'playwright-core'
import { buildDashboard } from '../../apps/dashboard/e2e/build-dashboard.ts'
import { freePort } from '../../apps/server/test/free-port.ts'
import { startServer } from '../../apps/server/test/server-process.ts'
import { ensureBrowser } from '../../scripts/browsers.ts'
import { ensureNginx } from './tools.ts'

const root = join(import.meta.dirname, '../..')
const TOKEN = `nw_${'p'.repeat(43)}`
const bearer = { authorization: `Bearer ${TOKEN}` }

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-proxy-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts the real nginx with the repository's example configuration, on other ports. */
async function startNginx(server: string): Promise<string> {
  const folder = tempFolder()
  const port = await freePort()
  const example = readFileSync(join(root, 'deploy/nginx/normwatch.conf'), 'utf8')
    .replace('listen 8080;', `listen 127.0.0.1:${port};`)
    .replace('http://127.0.0.1:4280', server)
  writeFileSync(join(folder, 'site.conf'), example)
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
     events {} http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
     fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; include ${folder}/site.conf; }`,
  )
  const nginx = spawn(ensureNginx(), ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' })
  onTestFinished(() => void nginx.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}/normwatch`
  const answers = () =>
    fetch(`${url}/healthz`).then(
      ({ status }) => status,
      () => 0,
    )
  await expect.poll(answers, { timeout: 20_000 }).toBe(200)
  return url
}

describe('behind a real nginx, below /normwatch/', () => {
  beforeAll(() => {
    ensureNginx()
    buildDashboard()
  }, 300_000)
  const start = async () => {
    const flags = ['--base-path', '/normwatch', '--trust-proxy', 'loopback', '--log-level', 'info']
    const server = await startServer(tempFolder(), flags, { NORMWATCH_TOKEN: TOKEN })
    return { server, url: await startNginx(new URL(server.url).origin) }
  }

  it("serves the API, the socket and the cookie, and takes the client's address from the proxy", async () => {
    const { server, url } = await start()
    expect((await fetch(`${url}/api/v1/runs`)).status).toBe(401)
    const put = { method: 'PUT', headers: { ...bearer, 'content-type': 'application/json' }, body: '{}' }
    expect((await fetch(`${url}/api/v1/runs/r`, put)).status).toBe(201)
    const signIn = await fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' },
      body: JSON.stringify({ token: TOKEN }),
    })
    const cookie = String(signIn.headers.get('set-cookie'))
    expect(cookie).toContain('; Path=/normwatch;')
    const session = { cookie: cookie.split(';')[0] as string }
    const origin = new URL(url).origin
    const remove = (headers: Record<string, string>) =>
      fetch(`${url}/api/v1/runs/r`, { method: 'DELETE', headers })
    expect((await remove({ ...session, origin: 'http://evil.example' })).status).toBe(403)
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, {
      headers: { ...session, origin },
    })
    onTestFinished(() => socket.terminate())
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'watch', run: 'r' }))
    expect(JSON.parse(String((await once(socket, 'message'))[0]))).toMatchObject({
      type: 'run',
      run: { id: 'r' },
    })
    expect((await remove({ ...session, origin })).status).toBe(204)
    // The proxy overwrites the address that the client claims.
    expect(server.output()).not.toContain('203.0.113.9')
    // one log line per request, except for successful health checks
    expect(server.output()).toContain('"path":"/api/v1/runs"')
    expect(server.output()).not.toContain('/healthz')
  })

  it('serves the dashboard, with all its files and requests below the path', async () => {
    const { url } = await start()
    const browser = await chromium.launch({
      executablePath: ensureBrowser('chromium'),
      args: ['--no-sandbox'],
    })
    onTestFinished(() => browser.close())
    const page = await browser.newPage()
    const [asked, failed]: [string[], string[]] = [[], []]
    page.on('request', (sent) => asked.push(sent.url()))
    page.on('requestfailed', (sent) => failed.push(sent.url()))
    page.on('console', (message) => message.type() === 'error' && failed.push(message.text()))
    await page.setExtraHTTPHeaders(bearer)
    await page.goto(`${url}/`)
    await page.getByRole('heading').first().waitFor()
    expect(asked.filter((address) => !address.startsWith(`${url}/`))).toEqual([])
    expect(failed.filter((text) => /Content Security Policy|404/.test(text))).toEqual([])
    expect(asked.some((address) => address.includes('/normwatch/api/v1/'))).toBe(true)
  })
})

it('serves TLS with its own certificate, and marks its cookie Secure', async () => {
  const folder = tempFolder()
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const options = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ]
  execFileSync('openssl', [...options, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' })
  const flags = ['--tls-cert', cert, '--tls-key', key]
  const server = await startServer(join(folder, 'data'), flags, { NORMWATCH_TOKEN: TOKEN })
  expect(server.url).toMatch(/^https:/)
  const ask = request(`${server.url}/api/v1/session`, {
    method: 'POST',
    ca: readFileSync(cert),
    headers: { 'content-type': 'application/json' },
  })
  ask.end(JSON.stringify({ token: TOKEN }))
  const [reply] = (await once(ask, 'response')) as [{ statusCode: number; headers: Record<string, string[]> }]
  expect(reply.statusCode).toBe(200)
  expect(String(reply.headers['set-cookie'])).toMatch(/; HttpOnly; Secure; SameSite=Strict$/)
})
