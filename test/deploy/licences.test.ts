import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { buildDashboard } from '../../apps/dashboard/e2e/build-dashboard.ts'

const root = join(import.meta.dirname, '../..')
const PERMISSIVE = [
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'BlueOak-1.0.0',
  '0BSD',
  'Unlicense',
]
const isPermissive = (licence: string) =>
  licence
    .replace(/[()]/g, '')
    .split(/ OR | AND /)
    .some((part) => PERMISSIVE.includes(part))

interface Component {
  readonly name: string
  readonly version: string
  readonly licenses?: readonly {
    readonly license?: { id?: string; name?: string }
    readonly expression?: string
  }[]
}

beforeAll(() => buildDashboard(), 300_000)

it('ships the licence of every package in its pages, and all are permissive', () => {
  const page = readFileSync(join(root, 'apps/dashboard/build/licences.md'), 'utf8')
  const shipped = [...page.matchAll(/^## (\S+) - \S+ \((.+)\)$/gm)] as unknown as [string, string, string][]
  expect(shipped.map(([, name]) => name)).toEqual(expect.arrayContaining(['svelte', 'uplot']))
  expect(shipped.filter(([, , licence]) => !isPermissive(licence))).toEqual([])
})

it("lists the server's dependencies, all under permissive licences", () => {
  const args = [
    'sbom',
    '--omit=dev',
    '--sbom-format=cyclonedx',
    '--package-lock-only',
    '--workspace',
    '@normwatch/server',
  ]
  const sbom = JSON.parse(
    execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  ) as {
    components: readonly Component[]
  }
  const licenceOf = ({ licenses: [first] = [] }: Component) =>
    first?.expression ?? first?.license?.id ?? first?.license?.name ?? 'none'
  expect(sbom.components.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['fastify', 'better-sqlite3']),
  )
  const others = sbom.components.filter(
    (component) => !component.name.startsWith('@normwatch/') && !isPermissive(licenceOf(component)),
  )
  expect(others.map((component) => `${component.name} ${licenceOf(component)}`)).toEqual([])
})
