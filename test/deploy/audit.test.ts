import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const AUDIT = join(import.meta.dirname, '../../scripts/audit.ts')

const version = { name: 'fastify', version: '5.0.0', dist: {} }
const PACKAGE = { name: 'fastify', 'dist-tags': { latest: '5.0.0' }, versions: { '5.0.0': version } }

/** Runs the audit with a registry that gives this answer to every audit. Without an answer, no registry listens. */
async function audit(answer?: { readonly status: number; readonly body: object }) {
  const registry = createServer((request, reply) => {
    request.resume().once('end', () => {
      // npm also requests the package, to find which of its versions are affected.
      const isPackage = request.method === 'GET'
      reply.writeHead(isPackage ? 200 : (answer?.status ?? 500), { 'content-type': 'application/json' })
      reply.end(JSON.stringify(isPackage ? PACKAGE : answer?.body))
    })
  }).listen(0, '127.0.0.1')
  await once(registry, 'listening')
  const { port } = registry.address() as AddressInfo
  if (answer === undefined) registry.close()
  onTestFinished(() => void registry.close())
  const cache = mkdtempSync(join(tmpdir(), 'normwatch-audit-'))
  onTestFinished(() => rmSync(cache, { recursive: true, force: true }))
  const env = {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${port}/`,
    // A separate cache, so that npm does not remember these invented answers.
    npm_config_cache: cache,
  }
  const child = spawn(process.execPath, [AUDIT], { env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)))
  const [code] = (await once(child, 'close')) as [number]
  return { code, output }
}

const advisory = (severity: string) => ({
  fastify: [
    {
      id: 1,
      url: 'https://advisories.example/1',
      title: 'made up for this test',
      severity,
      vulnerable_versions: '<99',
      cwe: [],
      cvss: { score: 0, vectorString: null },
    },
  ],
})

it.each([
  ['cannot be reached', undefined, 0, /^No audit: the registry does not answer it/],
  ['has no audit', { status: 404, body: {} }, 0, /^No audit: the registry does not answer it/],
  ['knows of nothing', { status: 200, body: {} }, 0, /^0 packages with known vulnerabilities/],
  ['knows of something small', { status: 200, body: advisory('low') }, 0, /^low +fastify$/m],
  ['knows of something high', { status: 200, body: advisory('high') }, 1, /^high +fastify$/m],
] as const)('audits with a registry that %s', { timeout: 120_000 }, async (_, answer, code, says) => {
  const seen = await audit(answer)
  expect(seen.output).toMatch(says)
  expect(seen.code).toBe(code)
})
