import { Client, StreamableHTTPClientTransport, type CallToolResult } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { bearer, makeToken } from './access-fixtures.ts'
import { NORMWATCH } from './command-line.ts'
import { startApp, type TestApp } from './start-app.ts'

const clip = { mode: 'norm', max_norm: 1 } as const

/** A healthy run `toy` and a saturated one `hot`, in the project `toys`, and a run of another project. */
async function startWithRuns() {
  const app = await startApp()
  const url = await app.listen()
  for (const [id, norm, project] of [
    ['toy', 0.5, 'toys'],
    ['hot', 5, 'toys'],
    ['secret', 5, 'other'],
  ] as const) {
    await app.call('PUT', `/runs/${id}`, { project, clip, config: { lr: norm }, notes: 'n'.repeat(60_000) })
    const points = Array.from({ length: 600 }, (_, step) => ({
      step,
      grad_norm: norm * (1 + 0.2 * Math.sin(step)),
      loss: step === 300 ? 'NaN' : 2 - step / 600,
      layers: { encoder: norm },
    }))
    await app.call('POST', `/runs/${id}/points`, { points })
  }
  return { ...app, url }
}

/** The text of a tool's answer, as JSON. */
const answerOf = ({ content, isError }: CallToolResult) => {
  expect(isError, JSON.stringify(content)).not.toBe(true)
  const [part] = content as { text: string }[]
  return JSON.parse(part?.text ?? '')
}

async function connected(
  transport: ConstructorParameters<typeof StdioClientTransport>[0] | URL,
  token?: string,
) {
  const client = new Client({ name: 'test', version: '1' })
  const headers = token === undefined ? {} : bearer(token)
  const over =
    transport instanceof URL
      ? new StreamableHTTPClientTransport(transport, { requestInit: { headers } })
      : new StdioClientTransport(transport)
  await client.connect(over)
  onTestFinished(() => client.close())
  const ask = async (name: string, args: Record<string, unknown> = {}) =>
    (await client.callTool({ name, arguments: args })) as CallToolResult
  return { client, ask }
}

const overHttp = ({ url }: { url: string }, token?: string) => connected(new URL(`${url}/mcp`), token)

const overStdio = ({ url }: { url: string }, token?: string) =>
  connected({
    command: process.execPath,
    args: [NORMWATCH, 'mcp'],
    env: { PATH: process.env['PATH'] ?? '', NORMWATCH_URL: url, ...(token && { NORMWATCH_TOKEN: token }) },
  })

/** A token that may only read, of one project or of all. */
async function reader(app: TestApp, project: string | null = null): Promise<string> {
  return (await makeToken(app, { scope: 'read', project })).secret
}

describe.each([
  ['over HTTP', overHttp],
  ['over stdio', overStdio],
])('an agent %s', { timeout: 60_000 }, (_, connect) => {
  it('lists five tools that only read, and each answers', async () => {
    const app = await startWithRuns()
    const { client, ask } = await connect(app, await reader(app))
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual([
      'list_runs',
      'get_run',
      'list_findings',
      'snapshot',
      'compare',
    ])
    for (const { annotations } of tools) expect(annotations?.readOnlyHint).toBe(true)

    const { runs, more } = answerOf(await ask('list_runs', { project: 'toys', limit: 1 }))
    expect(runs).toMatchObject([
      { id: 'hot', health: 'flagged', clip_rate: 1, conditions: ['clip_saturated'] },
    ])
    expect(more).toBe(true)
    const run = answerOf(await ask('get_run', { run: 'hot' }))
    expect(run).toMatchObject({ id: 'hot', config: { lr: 5 }, last_step: 599 })
    expect(run.notes).toHaveLength(2_000)
    expect(run.norm.over_cap.reduce((sum: number, count: number) => sum + count, 0)).toBe(600)
    const { findings } = answerOf(await ask('list_findings', { run: 'hot', kind: 'clip_saturated' }))
    expect(findings).toMatchObject([{ run: 'hot', state: 'open' }])
    const around = answerOf(await ask('snapshot', { run: 'toy', around: 300 }))
    expect(around.metrics.map(({ metric }: { metric: string }) => metric)).toEqual(['grad_norm', 'loss'])
    expect(around.metrics[1]).toMatchObject({ metric: 'loss', at: 'NaN' })
    const compared = answerOf(await ask('compare', { runs: ['toy', 'hot'] }))
    expect(compared.runs).toMatchObject([{ run: 'toy' }, { run: 'hot' }])
  })

  it('is told in a sentence what was wrong', async () => {
    const app = await startWithRuns()
    const { ask } = await connect(app, await reader(app))
    const text = async (name: string, args: Record<string, unknown>) => {
      const { isError, content } = await ask(name, args)
      expect(isError).toBe(true)
      return (content as { text: string }[])[0]?.text
    }
    expect(await text('get_run', { run: 'none' })).toBe('There is no run "none".')
    expect(await text('list_runs', { limit: 51 })).toMatch(/limit/)
    expect(await text('list_runs', { delete: true })).toMatch(/additional properties/)
    expect(await text('compare', { runs: ['toy'] })).toMatch(/runs/)
  })

  it('sees one project alone with a token of that project', async () => {
    const app = await startWithRuns()
    const { ask } = await connect(app, await reader(app, 'toys'))
    const { runs } = answerOf(await ask('list_runs'))
    expect(runs.map(({ id }: { id: string }) => id)).toEqual(['hot', 'toy'])
    const { findings } = answerOf(await ask('list_findings'))
    expect(new Set(findings.map(({ run }: { run: string }) => run))).not.toContain('secret')
    for (const [name, args] of [
      ['get_run', { run: 'secret' }],
      ['snapshot', { run: 'secret' }],
      ['compare', { runs: ['toy', 'secret'] }],
      ['list_findings', { run: 'secret' }],
      ['list_runs', { project: 'other' }],
    ] as const) {
      const { isError, content } = await ask(name, args)
      expect({ name, isError, content }).toMatchObject({
        isError: true,
        content: [{ text: 'This token is limited to the project "toys".' }],
      })
    }
  })

  it('waits for a finding', async () => {
    const app = await startWithRuns()
    await app.services.ingest.put('new', { clip })
    const { ask } = await connect(app)
    const answer = ask('list_findings', { run: 'new', wait: 50 })
    await vi.waitFor(() => expect(app.services.hub.waits.size).toBe(1), { timeout: 30_000 })
    const columns = { step: Array.from({ length: 400 }, (_, i) => i), grad_norm: new Array(400).fill(3) }
    await app.call('POST', '/runs/new/points', { columns })
    expect(answerOf(await answer).findings).toMatchObject([{ run: 'new' }])
  })
})

describe('/mcp', { timeout: 60_000 }, () => {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
  const accept = 'application/json, text/event-stream'

  it('asks for a token that may read', async () => {
    const app = await startWithRuns()
    const ask = (headers: Record<string, string>) =>
      app.inject({ method: 'POST', url: '/mcp', headers: { accept, ...headers }, payload: message })
    expect((await ask({})).status).toBe(200)
    const write = bearer((await makeToken(app, { scope: 'write' })).secret)
    expect(await ask({})).toMatchObject({ status: 401, body: { error: { code: 'token_missing' } } })
    expect(await ask(write)).toMatchObject({ status: 403, body: { error: { code: 'scope_forbidden' } } })
    expect((await ask(bearer(await reader(app)))).status).toBe(200)
  })

  it('answers in bounds about a run with as many metrics, layers and findings as may be', async () => {
    const app = await startWithRuns()
    const long = (name: string, i: number) => `${name}-${String(i).padStart(4, '0')}`.padEnd(120, 'x')
    const values = (name: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [long(name, i), i]))
    const points = [{ step: 0, ...values('metric', 256), layers: values('layer', 4_000) }]
    await app.call('PUT', '/runs/wide', { config: { text: 'x'.repeat(60_000) } })
    expect((await app.call('POST', '/runs/wide/points', { points })).status).toBe(200)
    const { ask } = await overHttp(app)
    for (const [name, args] of [
      ['snapshot', { run: 'wide', layers: true }],
      ['get_run', { run: 'wide' }],
      ['list_runs', {}],
    ] as const) {
      const answer = await ask(name, args)
      expect(JSON.stringify(answerOf(answer)).length).toBeLessThan(100_000)
    }
    expect(answerOf(await ask('snapshot', { run: 'wide' })).left_out.metrics).toBeGreaterThan(0)
  })

  it('forgets what an agent waited for when it goes away', async () => {
    const app = await startWithRuns()
    const gone = new AbortController()
    const call = { name: 'list_findings', arguments: { run: 'toy', kind: 'vanishing', wait: 50 } }
    const asked = fetch(`${app.url}/mcp`, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json' },
      body: JSON.stringify({ ...message, method: 'tools/call', params: call }),
      signal: gone.signal,
    })
    asked.catch(() => undefined)
    const waits = (count: number) =>
      vi.waitFor(() => expect(app.services.hub.waits.size).toBe(count), { timeout: 60_000 })
    await waits(1)
    gone.abort()
    await waits(0)
  })

  it('keeps no stream and no session open', async () => {
    const app = await startWithRuns()
    for (const method of ['GET', 'DELETE'] as const) {
      expect((await app.inject({ method, url: '/mcp', headers: { accept } })).status).toBe(405)
    }
  })

  it('refuses a message that is too long, is no JSON or is of another site', async () => {
    const app = await startWithRuns()
    const ask = (payload: object | string, headers: Record<string, string> = {}) =>
      app.inject({
        method: 'POST',
        url: '/mcp',
        headers: { accept, 'content-type': 'application/json', ...headers },
        payload,
      })
    expect((await ask({ ...message, params: { text: 'x'.repeat(70_000) } })).status).toBe(413)
    expect((await ask('{')).status).toBe(400)
    expect((await ask([])).status).toBe(400)
    expect((await ask(message, { origin: 'https://example.com' })).status).toBe(403)
    expect((await ask(message, { host: 'example.com' })).status).toBe(403)
  })
})
