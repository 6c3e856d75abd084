import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { python, setVersion, versionOf } from '../scripts/release/set-version.ts'

const root = join(import.meta.dirname, '..')
const FILES = [
  'package.json',
  'package-lock.json',
  'CHANGELOG.md',
  'Dockerfile',
  'apps/*/package.json',
  'deploy/helm/normwatch/Chart.yaml',
  'docker-compose.yml',
  'docs/deploy.md',
  'examples/package.json',
  'packages/*/package.json',
  'packages/sdk-python/pyproject.toml',
  'packages/{sdk,server}-python/src/*/__init__.py',
]
const version = versionOf(root)
const isPython = (file: string) => /\.(py|toml)$/.test(file)

/** Copies every file that a release writes from this checkout to a new folder. */
function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-release-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const file of globSync(FILES, { cwd: root })) cpSync(join(root, file), join(folder, file))
  return folder
}

describe('a release', () => {
  it('writes the version into every file that has it, and nothing else', () => {
    const folder = copy()
    const written = setVersion(folder, '7.8.9-rc.3', '2030-01-02')
    expect(written).toEqual(expect.arrayContaining(globSync(FILES, { cwd: root })))
    for (const file of written.filter((name) => name !== 'CHANGELOG.md')) {
      const text = readFileSync(join(folder, file), 'utf8')
      const newVersion = isPython(file) ? '7.8.9rc3' : '7.8.9-rc.3'
      expect(text).toContain(newVersion)
      expect(text.replaceAll(newVersion, isPython(file) ? python(version) : version)).toBe(
        readFileSync(join(root, file), 'utf8'),
      )
    }
  })

  it('leaves no file with the old version of one of its packages', () => {
    const folder = copy()
    setVersion(folder, '7.8.9', '2030-01-02')
    const sayIt = globSync(
      [
        '**/{package.json,pyproject.toml,__init__.py,Dockerfile,docker-compose.yml,Chart.yaml}',
        'docs/**/*.md',
        '*.md',
      ],
      {
        cwd: root,
        exclude: (name) => /^(node_modules|\.venv|dist|build)$/.test(name.toString().split('/').at(-1) ?? ''),
      },
    ).filter((file) => /normwatch/i.test(dirname(file) + readFileSync(join(root, file), 'utf8')))
    for (const file of sayIt.filter((name) => name !== 'CHANGELOG.md')) {
      const released = globSync(file, { cwd: folder }).length > 0 ? folder : root
      const old = new RegExp(`(version|normwatch)\\S*\\W{1,5}${version.replaceAll('.', '\\.')}\\b`, 'i')
      expect(readFileSync(join(released, file), 'utf8'), file).not.toMatch(old)
    }
  })

  it('dates the unreleased section of the changelog, and starts a new one above it', () => {
    const folder = copy()
    setVersion(folder, '7.8.9', '2030-01-02')
    const [, unreleased, , after] = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8').split(/^## (.*)\n/m)
    expect(unreleased).toBe('[Unreleased]')
    expect(after).toBeDefined()
    expect(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')).toContain(
      '## [Unreleased]\n\n## [7.8.9] - 2030-01-02\n\n### Added\n',
    )
  })

  it.each(['1.2', 'v1.2.3', '1.2.3-beta', '', version])(
    'refuses the version %j and writes nothing',
    (given) => {
      const folder = copy()
      expect(() => setVersion(folder, given, '2030-01-02')).toThrow(/version/i)
      for (const file of globSync(FILES, { cwd: root })) {
        expect(readFileSync(join(folder, file), 'utf8')).toBe(readFileSync(join(root, file), 'utf8'))
      }
    },
  )
})
