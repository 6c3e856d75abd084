import type { LiveFrame } from '@normwatch/protocol'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { readRoles, type Roles } from '../src/access/identity/roles.ts'
import { routeRules, type ProjectSource, type RouteRule } from '../src/access/route-rules.ts'
import { dashboardFixture } from './access-fixtures.ts'
import { isType, liveClient } from './live-client.ts'
import { keepMute, requestTo } from './route-requests.ts'
import { startApp, type Answer } from './start-app.ts'

const PROJECTS = ['a', 'a-1', 'b'] as const
type Project = (typeof PROJECTS)[number]

interface Kind {
  /** What NORMWATCH_ROLES says of their group. */
  readonly roles: readonly string[]
  /** Where they may do what; written down here, not worked out. */
  readonly read: readonly Project[]
  readonly write: readonly Project[]
  readonly admin: readonly Project[]
  /** What they may do where all projects are concerned. */
  readonly everywhere: readonly string[]
}
const none = { read: [], write: [], admin: [], everywhere: [] } as const
const kinds: Readonly<Record<string, Kind>> = {
  'reads a': { ...none, roles: ['read:a'], read: ['a'] },
  // a person who writes reads too
  'writes a-*': { ...none, roles: ['write:a-*'], read: ['a-1'], write: ['a-1'] },
  'admin of a': { ...none, roles: ['admin:a'], read: ['a'], write: ['a'], admin: ['a'] },
  'reads all, writes a': {
    ...none,
    roles: ['read', 'write:a'],
    read: PROJECTS,
    write: ['a'],
    everywhere: ['read'],
  },
  'reads a and b': { ...none, roles: ['read:a,b'], read: ['a', 'b'] },
  'reads a, admin of b': {
    ...none,
    roles: ['read:a', 'admin:b'],
    read: ['a', 'b'],
    write: ['b'],
    admin: ['b'],
  },
  'admin of all': {
    roles: ['admin'],
    read: PROJECTS,
    write: PROJECTS,
    admin: PROJECTS,
    everywhere: ['read', 'write', 'admin'],
  },
  nobody: { ...none, roles: [] },
}
const groupOf = (kind: string) => kind.replaceAll(/[ ,]+/g, '-')

const clip = { mode: 'norm', max_norm: 1 } as const
const saturated = {
  columns: {
    step: Array.from({ length: 400 }, (_, i) => i),
    grad_norm: new Array<number>(400).fill(3),
  },
}

/** A service behind a proxy that signs people in, with a run of findings in each project, and one message about all. */
async function startWithPeople() {
  const roles = Object.entries(kinds)
    .flatMap(([kind, { roles }]) => roles.map((role) => `${groupOf(kind)}=${role}`))
    .join(';')
  const proxyUsers = { userHeader: 'x-user', groupsHeader: 'x-groups', proxies: ['127.0.0.1'] }
  const people = { roles: readRoles(roles) as Roles, sessionHours: 1, proxyUsers }
  const service = await startApp({
    access: { people },
    dashboard: await dashboardFixture(),
    groupSeconds: 3_600,
  })
  const as = (kind: string) => ({
    'x-user': kind.replaceAll(',', ''),
    'x-groups': groupOf(kind),
    origin: 'http://localhost',
  })
  const ask = (kind: string, method: string, path: string, payload?: object): Promise<Answer> =>
    service.inject({
      method: method as 'GET',
      url: path.startsWith('/mcp') ? path : `/api/v1${path}`,
      headers: { ...as(kind), accept: 'application/json, text/event-stream' },
      ...(payload === undefined ? {} : { payload }),
    })
  const boss = (method: string, path: string, payload?: object) => ask('admin of all', method, path, payload)
  expect(
    await boss('POST', '/channels', { kind: 'webhook', name: 'hooks', url: 'http://127.0.0.1:9/' }),
  ).toMatchObject({ status: 201 })
  for (const project of PROJECTS) {
    await boss('PUT', `/runs/in-${project}`, { project, clip })
    await boss('POST', `/runs/in-${project}/points`, saturated)
  }
  return { ...service, as, ask, boss }
}

/** What the table expects of a route that touches this project. */
function expected({ for: who, project: source }: RouteRule, kind: Kind, project: Project): string {
  if (who === 'everybody') return 'admitted'
  if (kind.roles.length === 0) return 'role_missing'
  if (who === 'any') return 'admitted'
  const scopes = who.split(' or ') as ('read' | 'write' | 'admin')[]
  const where = scopes.flatMap((scope) => kind[scope])
  if (where.length === 0) return 'scope_forbidden'
  if (source === 'all') {
    return scopes.some((scope) => kind.everywhere.includes(scope)) ? 'admitted' : 'project_forbidden'
  }
  if (['none', 'listed', 'frames'].includes(source)) return 'admitted'
  return where.includes(project) ? 'admitted' : 'project_forbidden'
}
const codeOf = ({ status, body }: Answer): string =>
  status === 401 || status === 403 ? body.error.code : 'admitted'

// The socket is walked below; signing in and out is everybody's.
const routes = Object.keys(routeRules).filter((route) => !/\/live$|session/.test(route))

it('walks every route with people of every kind, in each project', { timeout: 180_000 }, async () => {
  const { services, inject, as } = await startWithPeople()
  const table: Record<string, string> = {}
  const wanted: Record<string, string> = {}
  for (const route of routes) {
    for (const [name, kind] of Object.entries(kinds)) {
      for (const project of PROJECTS) {
        const id = `in-${project}`
        for (const run of [id, `${id}-2`]) await services.ingest.put(run, { project, clip })
        const mute = `mute-${id}`
        if (route === 'DELETE /api/v1/mutes/:id') {
          await keepMute(services, mute, id)
        }
        const request = requestTo(route, { run: id, project, mute })
        const what = `${route} of ${project} by ${name}`
        table[what] = codeOf(await inject({ ...request, headers: as(name) }))
        wanted[what] = expected(routeRules[route] as RouteRule, kind, project)
      }
    }
  }
  expect(table).toEqual(wanted)
  expect(Object.keys(table)).toHaveLength(routes.length * Object.keys(kinds).length * PROJECTS.length)
})

/** The projects that a list tells of; one for each route that lists. A run `in-a` is of the project `a`. */
const lists: Readonly<Record<string, { path: string; of: (body: never) => string[] }>> = {
  'GET /api/v1/runs': {
    path: '/runs?q=in-',
    of: ({ runs }: { runs: { project: string }[] }) => runs.map(({ project }) => project),
  },
  'GET /api/v1/findings': {
    path: '/findings',
    of: ({ findings }: { findings: { run: string }[] }) => findings.map(({ run }) => run.slice(3)),
  },
  'GET /api/v1/projects': { path: '/projects', of: ({ projects }: { projects: string[] }) => projects },
  'GET /api/v1/deliveries': {
    path: '/deliveries',
    of: ({ deliveries }: { deliveries: { events: { run: string }[] }[] }) =>
      deliveries.flatMap(({ events }) => events.map(({ run }) => run.slice(3))),
  },
  'GET /api/v1/mutes': {
    path: '/mutes',
    of: ({ mutes }: { mutes: { run: string | null; project: string | null; kind: string | null }[] }) =>
      mutes.flatMap(({ run, project }) => run?.slice(3) ?? project ?? []),
  },
}

it('lists to each kind of people exactly the projects that they may read', async () => {
  const { ask, boss } = await startWithPeople()
  const listing: ProjectSource[] = ['asked', 'asked-any', 'asked-runs', 'listed']
  const filtered = Object.entries(routeRules).filter(([, { project }]) => listing.includes(project))
  // `compare` lists the runs that it is asked for; the walk above tries it.
  expect(
    filtered
      .map(([route]) => route)
      .filter((route) => route !== 'GET /api/v1/compare')
      .sort(),
  ).toEqual(Object.keys(lists).sort())
  const until = new Date(Date.now() + 3_600_000).toISOString()
  for (const project of PROJECTS) {
    expect(await boss('POST', '/mutes', { run: `in-${project}`, until })).toMatchObject({ status: 201 })
    expect(await boss('POST', '/mutes', { project, until })).toMatchObject({ status: 201 })
  }
  expect(await boss('POST', '/mutes', { kind: 'nonfinite', until })).toMatchObject({ status: 201 })
  expect(codeOf(await ask('admin of a', 'POST', '/mutes', { kind: 'nonfinite', until }))).toBe(
    'project_forbidden',
  )
  const seen: Record<string, unknown> = {}
  const wanted: Record<string, unknown> = {}
  for (const [name, kind] of Object.entries(kinds)) {
    for (const [route, { path, of }] of Object.entries(lists)) {
      const answer = await ask(name, 'GET', path)
      const code = codeOf(answer)
      seen[`${route} by ${name}`] = code === 'admitted' ? [...new Set(of(answer.body as never))].sort() : code
      const may = kind.read.length > 0 ? [...kind.read].sort() : 'scope_forbidden'
      wanted[`${route} by ${name}`] = kind.roles.length === 0 ? 'role_missing' : may
    }
  }
  expect(seen).toEqual(wanted)
})

it(
  'tells each kind of people on the socket of the projects that they may read',
  { timeout: 120_000 },
  async () => {
    const service = await startWithPeople()
    const url = await service.listen()
    const seen: Record<string, unknown> = {}
    const wanted: Record<string, unknown> = {}
    let round = 0
    for (const [name, kind] of Object.entries(kinds)) {
      const headers = { ...service.as(name), origin: url }
      if (kind.read.length === 0) {
        seen[name] = await refusalAtTheDoor(url, headers)
        wanted[name] = kind.roles.length === 0 ? 'role_missing' : 'scope_forbidden'
        continue
      }
      const live = await liveClient(url, headers)
      let answered = 0
      /** What came of a message: a run that is not there is asked for behind it, and answered after it. */
      const outcome = async (message: object) => {
        live.send(message)
        live.send({ type: 'watch', run: 'missing' })
        const end = await live.until((frame) => live.frames.indexOf(frame) >= answered && isMissing(frame))
        const frames = live.frames.slice(answered, live.frames.indexOf(end))
        answered = live.frames.indexOf(end) + 1
        return frames.find(isType('error'))?.code ?? 'admitted'
      }
      for (const project of PROJECTS) {
        const run = `in-${project}`
        seen[`${name} watches a run of ${project}`] = await outcome({ type: 'watch', run })
        seen[`${name} watches ${project}`] = await outcome({ type: 'watch', runs: { project } })
        const may = kind.read.includes(project) ? 'admitted' : 'project_forbidden'
        wanted[`${name} watches a run of ${project}`] = may
        wanted[`${name} watches ${project}`] = may
        await outcome({ type: 'unwatch', run })
        await outcome({ type: 'unwatch', runs: { project } })
      }
      await outcome({ type: 'watch', runs: {} })
      const told = `told ${++round}`
      // the last that it may hear of comes last: whatever else was told is there by then
      const last = kind.read.at(-1) as Project
      for (const project of [...PROJECTS.filter((one) => one !== last), last]) {
        await service.services.ingest.patch(`in-${project}`, { name: told })
      }
      const news = () =>
        live.frames.flatMap((frame) =>
          frame.type === 'run' && frame.run.name === told ? [frame.run.project] : [],
        )
      await live.until(() => news().includes(last))
      seen[`${name} is told of`] = [...new Set(news())].sort()
      wanted[`${name} is told of`] = [...kind.read].sort()
      live.socket.close()
    }
    expect(seen).toEqual(wanted)
  },
)

it('answers agents as each kind of people', { timeout: 120_000 }, async () => {
  const { ask } = await startWithPeople()
  const call = async (kind: string, name: string, args: object) => {
    const params = { name, arguments: args }
    const answer = await ask(kind, 'POST', '/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    if (codeOf(answer) !== 'admitted') return codeOf(answer)
    const data = /^data: (.*)$/m.exec(answer.text)?.[1] ?? answer.text
    return JSON.parse(data).result as { isError?: boolean; content: { text: string }[] }
  }
  for (const [name, kind] of Object.entries(kinds)) {
    const listed = await call(name, 'list_runs', {})
    if (kind.read.length === 0) {
      expect([name, listed]).toEqual([name, kind.roles.length === 0 ? 'role_missing' : 'scope_forbidden'])
      continue
    }
    if (typeof listed === 'string') throw new Error(`${name}: ${listed}`)
    const runs = JSON.parse(listed.content[0]?.text ?? '').runs as { project: string }[]
    expect([name, runs.map(({ project }) => project).sort()]).toEqual([name, [...kind.read].sort()])
    for (const project of PROJECTS) {
      const got = await call(name, 'get_run', { run: `in-${project}` })
      const isRefused = typeof got === 'object' && got.isError === true
      expect([name, project, isRefused]).toEqual([name, project, !kind.read.includes(project)])
    }
  }
})

const isMissing = (frame: LiveFrame) => frame.type === 'error' && frame.code === 'run_not_found'

/** The code with which a socket is refused. */
async function refusalAtTheDoor(url: string, headers: Record<string, string>): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { headers })
  onTestFinished(() => socket.terminate())
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve('admitted'))
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, reply) => {
      let text = ''
      reply.on('data', (chunk) => (text += String(chunk)))
      reply.on('end', () => resolve(JSON.parse(text).error.code as string))
    })
  })
}
