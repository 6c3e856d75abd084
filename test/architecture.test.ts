import { readFileSync } from 'node:fs'
import { globSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

/** The rooms of the house, the deepest path first, and what each may import besides itself. */
const rooms: Record<string, { path: string; mayImport: string[] }> = {
  protocol: { path: 'packages/protocol', mayImport: ['npm:typebox'] },
  detector: { path: 'packages/detector', mayImport: [] },
  sdk: { path: 'packages/sdk', mayImport: ['protocol', 'node', 'npm:@tensorflow/tfjs-core'] },
  importers: { path: 'packages/importers', mayImport: ['protocol', 'node'] },
  dashboard: {
    path: 'apps/dashboard/src',
    mayImport: [
      'protocol',
      'detector',
      'npm:svelte',
      'npm:@sveltejs/kit',
      'npm:uplot',
      'npm:$app',
      'npm:#lib',
    ],
  },
  'storage/sqlite': {
    path: 'apps/server/src/storage/sqlite',
    mayImport: ['storage', 'protocol', 'node', 'npm:better-sqlite3', 'npm:drizzle-orm'],
  },
  storage: { path: 'apps/server/src/storage', mayImport: ['protocol'] },
  ingest: {
    path: 'apps/server/src/ingest',
    mayImport: ['storage', 'live', 'alerts', 'protocol', 'detector', 'node'],
  },
  analysis: {
    path: 'apps/server/src/analysis',
    mayImport: ['storage', 'ingest', 'protocol', 'detector', 'node'],
  },
  alerts: { path: 'apps/server/src/alerts', mayImport: ['storage', 'protocol', 'node', 'npm:*'] },
  live: { path: 'apps/server/src/live', mayImport: ['protocol', 'storage', 'node'] },
}

const root = resolve(import.meta.dirname, '..')
const files = globSync(['packages/*/src/**/*.ts', 'apps/*/src/**/*.{ts,svelte}'], { cwd: root }).filter(
  (file) => !/\.(test|contract)\.ts$/.test(file) && !file.includes('node_modules'),
)
const paths = Object.entries(rooms).sort(([, a], [, b]) => b.path.length - a.path.length)
const roomOf = (file: string) => paths.find(([, { path }]) => file.startsWith(`${path}/`))?.[0]

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
  if (room === undefined) return []
  // text in template literals, such as a snippet that a page shows, is no import
  const source = readFileSync(join(root, file), 'utf8').replace(/`[^`]*`/g, '``')
  const imports =
    /(?:^|\s)(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g
  const specifiers = [...source.matchAll(imports)].map(([, stated, called]) => (stated ?? called) as string)
  return specifiers.map((specifier) => ({ file, room, target: targetOf(file, specifier) }))
})

describe('import arrows', () => {
  it('finds the rooms', () => {
    expect(new Set(arrows.map(({ room }) => room)).size).toBeGreaterThan(1)
  })
  it.each(Object.keys(rooms))('%s imports only what its room may', (room) => {
    const { mayImport } = rooms[room] as (typeof rooms)[string]
    const allowed = (target: string) =>
      target === room ||
      mayImport.includes(target) ||
      (mayImport.includes('npm:*') && target.startsWith('npm:'))
    expect(arrows.filter((arrow) => arrow.room === room && !allowed(arrow.target))).toEqual([])
  })
  it('lets only main open a storage engine', () => {
    const opens = files.filter(
      (file) =>
        !file.startsWith('apps/server/src/storage/sqlite/') &&
        /from '[^']*storage\/sqlite\//.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(opens.filter((file) => !/apps\/server\/src\/(main|serve|cli\/[a-z-]+)\.ts$/.test(file))).toEqual(
      [],
    )
  })
})
