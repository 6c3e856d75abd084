import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

interface Room {
  /** A folder or a file. */
  path: string
  /** Rooms, packages as `npm:name`, and `node` for all built-in modules of Node. */
  mayImport: string[]
  /** Only files directly in this folder belong to the room. Each folder in it is a separate room. */
  isFlat?: true
}

const server = 'apps/server/src'
const wire = ['protocol', 'node']
const sqlite = ['engine', 'points', 'runs', 'alerts', 'tokens', 'audit'].map(
  (room) => `storage/sqlite/${room}`,
)

/** All rooms, and what each may import other than itself. A file belongs to the room with the longest matching path. */
const rooms: Record<string, Room> = {
  protocol: { path: 'packages/protocol', mayImport: ['npm:typebox'] },
  detector: {
    path: 'packages/detector',
    mayImport: [
      'protocol',
      'detector/series',
      'detector/record',
      'detector/settings',
      'detector/diagnosis',
      'detector/kinds',
      'detector/measure',
    ],
  },
  'detector/series': { path: 'packages/detector/src/series', mayImport: [] },
  'detector/settings': { path: 'packages/detector/src/settings', mayImport: ['detector/series'] },
  'detector/record': {
    path: 'packages/detector/src/record',
    mayImport: ['detector', 'detector/series', 'detector/settings'],
  },
  'detector/diagnosis': {
    path: 'packages/detector/src/diagnosis',
    mayImport: ['detector', 'detector/series', 'detector/record'],
  },
  'detector/kinds': {
    path: 'packages/detector/src/kinds',
    mayImport: ['detector', 'detector/series', 'detector/settings', 'detector/record', 'detector/diagnosis'],
  },
  'detector/measure': {
    path: 'packages/detector/src/measure',
    mayImport: ['detector', 'detector/series', 'detector/record'],
  },
  sdk: { path: 'packages/sdk', mayImport: [...wire, 'npm:@tensorflow/tfjs-core'] },
  // browsers read logs too, so nothing of Node is allowed
  importers: {
    path: 'packages/importers',
    mayImport: ['protocol', 'npm:fzstd', 'npm:hyparquet', 'npm:hyparquet-compressors'],
  },
  dashboard: {
    path: 'apps/dashboard/src',
    mayImport: [
      'protocol',
      'detector',
      'importers',
      'npm:svelte',
      'npm:@sveltejs/kit',
      'npm:uplot',
      'npm:$app',
      'npm:#lib',
    ],
  },
  storage: { path: `${server}/storage`, mayImport: ['in-slices', 'protocol', 'detector'] },
  'storage/audit': { path: `${server}/storage/audit`, mayImport: ['storage', ...wire] },
  'storage/run': { path: `${server}/storage/run`, mayImport: ['storage', 'in-slices', 'detector', ...wire] },
  'storage/postgres': {
    path: `${server}/storage/postgres`,
    mayImport: ['storage', 'storage/run', 'storage/audit', 'layout', ...wire, 'npm:pg', 'npm:drizzle-orm'],
  },
  // assembles the engine: opens the file and lists every table
  'storage/sqlite': {
    path: `${server}/storage/sqlite`,
    isFlat: true,
    mayImport: ['storage', 'storage/run', ...sqlite, 'npm:drizzle-orm', 'node'],
  },
  'storage/sqlite/engine': {
    path: `${server}/storage/sqlite/engine`,
    mayImport: [
      'storage',
      'storage/run',
      'in-slices',
      'layout',
      'node',
      'npm:better-sqlite3',
      'npm:drizzle-orm',
    ],
  },
  'storage/sqlite/points': {
    path: `${server}/storage/sqlite/points`,
    mayImport: ['storage', 'storage/run', 'storage/sqlite/engine', ...wire],
  },
  'storage/sqlite/runs': {
    path: `${server}/storage/sqlite/runs`,
    mayImport: ['storage', 'storage/run', 'storage/sqlite/engine', ...wire],
  },
  'storage/sqlite/alerts': {
    path: `${server}/storage/sqlite/alerts`,
    mayImport: [
      'storage',
      'storage/run',
      'in-slices',
      'storage/sqlite/engine',
      'storage/sqlite/runs',
      ...wire,
    ],
  },
  'storage/sqlite/tokens': {
    path: `${server}/storage/sqlite/tokens`,
    mayImport: ['storage', 'storage/sqlite/engine', ...wire],
  },
  'storage/sqlite/audit': {
    path: `${server}/storage/sqlite/audit`,
    mayImport: ['storage', 'storage/audit', 'storage/sqlite/engine'],
  },
  'storage/sqlite/upkeep': {
    path: `${server}/storage/sqlite/upkeep`,
    mayImport: ['storage', 'storage/sqlite/engine', 'storage/sqlite/points', 'node'],
  },
  live: { path: `${server}/live`, mayImport: ['storage', ...wire] },
  alerts: {
    path: `${server}/alerts`,
    mayImport: ['address-ranges', 'storage', 'detector', ...wire, 'npm:ipaddr.js', 'npm:nodemailer'],
  },
  ingest: { path: `${server}/ingest`, mayImport: ['in-slices', 'storage', 'live', 'detector', ...wire] },
  'in-slices': { path: `${server}/in-slices.ts`, mayImport: ['node'] },
  analysis: {
    path: `${server}/analysis`,
    mayImport: ['in-slices', 'storage', 'ingest', 'detector', ...wire],
  },
  mcp: {
    path: `${server}/mcp`,
    mayImport: ['protocol', 'detector', 'version', 'npm:@modelcontextprotocol/server'],
  },
  services: { path: `${server}/services.ts`, mayImport: ['storage', 'ingest', 'live', 'alerts', 'audit'] },
  audit: {
    path: `${server}/audit`,
    mayImport: ['storage', ...wire, 'npm:fastify'],
  },
  layout: { path: `${server}/layout.ts`, mayImport: ['node'] },
  version: { path: `${server}/version.ts`, mayImport: ['layout', 'node'] },
  'address-ranges': { path: `${server}/address-ranges.ts`, mayImport: ['node', 'npm:ipaddr.js'] },
  errors: { path: `${server}/errors.ts`, mayImport: ['storage', 'ingest', 'alerts', 'protocol'] },
  plugins: {
    path: `${server}/plugins`,
    mayImport: [
      'errors',
      'in-slices',
      ...wire,
      'npm:ajv',
      'npm:ajv-formats',
      'npm:fastify',
      'npm:@fastify/static',
      'npm:typebox',
    ],
  },
  access: {
    path: `${server}/access`,
    mayImport: [
      'access/identity',
      'access/limits',
      'address-ranges',
      'plugins',
      'errors',
      'storage',
      ...wire,
      'npm:fastify',
      'npm:@fastify/cookie',
      'npm:ipaddr.js',
    ],
  },
  'access/identity': {
    path: `${server}/access/identity`,
    mayImport: [
      'address-ranges',
      'storage',
      ...wire,
      'npm:fastify',
      'npm:@fastify/cookie',
      'npm:@fastify/proxy-addr',
      'npm:jose',
      'npm:openid-client',
    ],
  },
  'access/limits': {
    path: `${server}/access/limits`,
    mayImport: ['in-slices', 'access/identity', 'plugins', 'errors', 'storage', ...wire, 'npm:fastify'],
  },
  metrics: {
    path: `${server}/metrics`,
    mayImport: ['services', 'in-slices', 'storage', 'protocol', 'npm:fastify', 'npm:prom-client'],
  },
  routes: {
    path: `${server}/routes`,
    mayImport: [
      'access',
      'access/identity',
      'access/limits',
      'alerts',
      'analysis',
      'errors',
      'in-slices',
      'ingest',
      'layout',
      'live',
      'mcp',
      'metrics',
      'plugins',
      'sdk-downloads',
      'reference',
      'services',
      'storage',
      'storage/audit',
      'version',
      'detector',
      ...wire,
      'npm:fastify',
      'npm:@fastify/swagger',
      'npm:@fastify/type-provider-typebox',
      'npm:typebox',
      'npm:ws',
    ],
  },
  'sdk-downloads': { path: `${server}/sdk-downloads`, mayImport: ['reference', 'node'] },
  reference: { path: `${server}/reference`, mayImport: ['version', 'npm:openapi-types'] },
  cli: {
    path: `${server}/cli`,
    mayImport: [
      'process',
      'access/identity',
      'detector',
      'importers',
      'layout',
      'mcp',
      'plugins',
      'sdk',
      'storage',
      'storage/audit',
      'storage/postgres',
      'storage/sqlite',
      'storage/sqlite/engine',
      'storage/sqlite/tokens',
      'storage/sqlite/upkeep',
      'version',
      ...wire,
      'npm:@bomb.sh/tab',
      'npm:@modelcontextprotocol/server',
      'npm:commander',
      'npm:hyparquet-writer',
    ],
  },
  process: {
    path: server,
    isFlat: true,
    mayImport: [
      'access',
      'access/identity',
      'alerts',
      'audit',
      'ingest',
      'layout',
      'live',
      'metrics',
      'plugins',
      'routes',
      'services',
      'storage',
      'storage/postgres',
      'storage/sqlite',
      'storage/sqlite/engine',
      ...wire,
      'npm:fastify',
      'npm:@fastify/type-provider-typebox',
      'npm:@fastify/websocket',
    ],
  },
}

const root = resolve(import.meta.dirname, '..')
const files = globSync(['packages/*/src/**/*.ts', 'apps/*/src/**/*.{ts,svelte}'], { cwd: root }).filter(
  (file) => !/\.(test|contract|fixture)\.ts$/.test(file) && !file.includes('node_modules'),
)
const paths = Object.entries(rooms).sort(([, a], [, b]) => b.path.length - a.path.length)

function roomOf(file: string): string | undefined {
  const found = paths.find(([, { path }]) => file === path || file.startsWith(`${path}/`))
  if (found === undefined) return undefined
  const [name, { path, isFlat }] = found
  return isFlat === true && dirname(file) !== path ? undefined : name
}

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('.')) {
    const path = relative(root, resolve(root, dirname(file), specifier))
    return roomOf(path) ?? path
  }
  if (specifier.startsWith('node:')) return 'node'
  if (specifier.startsWith('@normwatch/')) return specifier.split('/')[1] as string
  const [scope, name] = specifier.split('/') as [string, string | undefined]
  return `npm:${scope.startsWith('@') ? `${scope}/${name}` : scope}`
}

const arrows = files.flatMap((file) => {
  const room = roomOf(file)
  if (room === undefined) return [{ file, room: 'none', target: 'none' }]
  // ignore text in template literals, such as a snippet that a page shows: it is not an import
  const source = readFileSync(join(root, file), 'utf8').replace(/`[^`]*`/g, '``')
  const imports =
    /(?:^|\s)(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g
  const specifiers = [...source.matchAll(imports)].map(([, stated, called]) => (stated ?? called) as string)
  return specifiers.map((specifier) => ({ file, room, target: targetOf(file, specifier) }))
})

describe('import arrows', () => {
  it('start in every room', () => {
    const leaving = arrows.filter(({ room, target }) => target !== room)
    expect(new Set(leaving.map(({ room }) => room))).toEqual(
      new Set(Object.keys(rooms).filter((room) => rooms[room]?.mayImport.length !== 0)),
    )
  })
  it('find a room for every file', () => {
    expect(files.filter((file) => roomOf(file) === undefined)).toEqual([])
  })
  it.each(Object.keys(rooms))('%s imports only what its room may', (room) => {
    const { mayImport } = rooms[room] as (typeof rooms)[string]
    const allowed = (target: string) => target === room || mayImport.includes(target)
    expect(arrows.filter((arrow) => arrow.room === room && !allowed(arrow.target))).toEqual([])
  })
  it("import SQLite's driver in one file only, tests included", () => {
    const sources = globSync('{apps,packages}/*/{src,test}/**/*.ts', { cwd: root })
    const names = (file: string) =>
      /(from|import\() ?'better-sqlite3'/.test(readFileSync(join(root, file), 'utf8'))
    expect(sources.filter(names)).toEqual([`${server}/storage/sqlite/engine/database.ts`])
  })
  it('lets only main open a storage engine', () => {
    const opens = files.filter(
      (file) =>
        !/^apps\/server\/src\/storage\/(sqlite|postgres)\//.test(file) &&
        /(from|import\() ?'[^']*storage\/(sqlite|postgres)\//.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(
      opens.filter((file) => !/apps\/server\/src\/(main|serve|cli\/(verbs\/)?[a-z-]+)\.ts$/.test(file)),
    ).toEqual([])
  })
})
