import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ensurePython } from '../../scripts/python-env.ts'
import { startRealServer } from './real-server.ts'

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
]

/** Sets the id for paths, because a generator would never guess an id that exists. */
const there = (method: string, paths: string, id: string) =>
  `[[operations]]\ninclude-path-regex = "${paths}"\ninclude-method = "${method}"\nparameters = { "path.id" = "${id}" }\n`

it(
  'replies on every route as its OpenAPI document says, to valid and invalid requests',
  { timeout: 300_000 },
  async () => {
    const python = ensurePython({
      name: 'schemathesis',
      requirements: join(import.meta.dirname, 'requirements-schemathesis.txt'),
      seesSystem: false,
    })
    const server = await startRealServer()
    const api = `${server.url}/api/v1`
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    const send = async (method: string, path: string, body: unknown) => {
      const reply = await fetch(`${api}${path}`, { method, headers, body: JSON.stringify(body) })
      expect(reply.ok).toBe(true)
      return (await reply.json()) as { id: string; token: string }
    }
    const { token } = await send('POST', '/tokens', { name: 'tester', scope: 'admin' })
    headers['authorization'] = `Bearer ${token}`
    const channel = await send('POST', '/channels', {
      kind: 'webhook',
      url: 'https://hooks.example.com/normwatch',
    })
    await send('PUT', '/runs/hot', { clip: { mode: 'norm', max_norm: 1 } })
    const points = Array.from({ length: 2_000 }, (_, step) => ({
      step,
      grad_norm: step % 7 === 0 ? 'Infinity' : 5,
      loss: 2,
      layers: { first: 1, last: null },
    }))
    await send('POST', '/runs/hot/points', { points })
    const config = join(server.folder, 'schemathesis.toml')
    await writeFile(
      config,
      there('GET', '/runs/', 'hot') +
        there('POST', '/preview', 'hot') +
        // a request that waits for a finding can take a minute, which is too long here
        '[[operations]]\ninclude-path = "/api/v1/findings"\nparameters = { "query.wait" = 0 }\n' +
        there('GET', '/channels/', channel.id),
    )

    const args = [
      '--config-file',
      config,
      'run',
      `${api}/openapi.json`,
      '--header',
      `authorization: Bearer ${token}`,
    ]
    const bounds = [
      '--max-examples',
      '8',
      '--phases',
      'examples,coverage,fuzzing',
      '--workers',
      '1',
      '--seed',
      '1',
    ]
    const tester = spawn(
      join(python, '../schemathesis'),
      [...args, ...bounds, '--checks', CHECKS.join(','), '--no-color'],
      { cwd: server.folder, stdio: 'pipe' },
    )
    let said = ''
    tester.stdout.on('data', (text) => (said += text))
    tester.stderr.on('data', (text) => (said += text))
    const [status] = await once(tester, 'close')
    expect(status, said).toBe(0)
    expect(said).toMatch(/Tested: [4-9]\d/)
    expect(said).toMatch(/(\d+) generated, \1 passed/)
  },
)
