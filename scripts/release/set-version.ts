import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A release such as 1.2.0, or a release candidate such as 1.2.0-rc.1. */
const VERSION = /^\d+\.\d+\.\d+(-rc\.\d+)?$/

/** Every manifest of the workspaces. The root's comes first, because its version is the current one. */
const MANIFESTS = ['package.json', 'packages/*/package.json', 'apps/*/package.json', 'examples/package.json']
const LOCK = 'package-lock.json'
const CHANGELOG = 'CHANGELOG.md'
/** Other files with the version, and the text around it. The release stops if one is not found. */
const TEXTS: readonly (readonly [file: string, around: (version: string) => string])[] = [
  ['packages/sdk-python/src/normwatch/__init__.py', (version) => `__version__ = "${python(version)}"`],
  ['packages/sdk-python/pyproject.toml', (version) => `normwatch-server==${python(version)}`],
  [
    'packages/server-python/src/normwatch_server/__init__.py',
    (version) => `__version__ = "${python(version)}"`,
  ],
  ['docs/deploy.md', (version) => `normwatch:${version}`],
  ['Dockerfile', (version) => `org.opencontainers.image.version="${version}"`],
  ['Dockerfile', (version) => `normwatch:${version}`],
  ['docker-compose.yml', (version) => `image: normwatch:${version}`],
  ['deploy/helm/normwatch/Chart.yaml', (version) => `\nversion: ${version}`],
  ['deploy/helm/normwatch/Chart.yaml', (version) => `\nappVersion: ${version}`],
]

/** The version of the checkout at `root`. */
export function versionOf(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version
}

/**
 * Writes `version` into every file that has the version, and renames the changelog's *Unreleased* section to it, with `date`.
 * Returns the files written. If the version is invalid or a file does not have the current one, throws before writing.
 */
export function setVersion(root: string, version: string, date: string): string[] {
  if (!VERSION.test(version)) throw new Error(`"${version}" is not a version such as 1.2.0 or 1.2.0-rc.1.`)
  const before = versionOf(root)
  if (version === before) throw new Error(`The version is ${before} already.`)
  const read = (file: string) => readFileSync(join(root, file), 'utf8')
  const changed = new Map<string, string>()
  for (const file of [...globSync(MANIFESTS, { cwd: root }).sort(), LOCK]) {
    changed.set(file, withVersion(JSON.parse(read(file)), before, version))
  }
  for (const [file, around] of TEXTS) {
    const text = changed.get(file) ?? read(file)
    if (!text.includes(around(before))) throw new Error(`${file} does not say ${around(before).trim()}.`)
    changed.set(file, text.replaceAll(around(before), around(version)))
  }
  changed.set(CHANGELOG, released(read(CHANGELOG), version, date))
  for (const [file, text] of changed) writeFileSync(join(root, file), text)
  return [...changed.keys()]
}

/** The version in PEP 440 form: 1.2.0rc1 for 1.2.0-rc.1. */
export function python(version: string): string {
  return version.replace(/-rc\.(\d+)$/, 'rc$1')
}

/** Sets the version of every package of this repository in a manifest or lock file, also where they depend on each other. */
function withVersion(manifest: unknown, before: string, version: string): string {
  const text = JSON.stringify(
    manifest,
    function (this: Record<string, unknown>, key, value: unknown) {
      const isOwn = key === 'version' && !('resolved' in this)
      const isNeed = key.startsWith('@normwatch/')
      return value === before && (isOwn || isNeed) ? version : value
    },
    2,
  )
  return `${text}\n`
}

function released(changelog: string, version: string, date: string): string {
  const [head, rest, ...more] = changelog.split('## [Unreleased]\n')
  if (head === undefined || rest === undefined || more.length > 0) {
    throw new Error(`${CHANGELOG} has no one heading "## [Unreleased]".`)
  }
  return `${head}## [Unreleased]\n\n## [${version}] - ${date}\n${rest}`
}
