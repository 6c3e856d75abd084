/** `npm start`: builds the dashboard if it is missing or older than its sources, then runs the server in this process. */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const PAGE = 'apps/dashboard/build/index.html'
/** Files and whole folders that the build reads. The lock file stands for the dependencies. */
const SOURCES = [
  'apps/dashboard/src',
  'apps/dashboard/static',
  'apps/dashboard/package.json',
  'apps/dashboard/page-files.ts',
  'apps/dashboard/tsconfig.json',
  'apps/dashboard/vite.config.ts',
  'apps/dashboard/words-only.ts',
  'packages/protocol/src',
  'packages/detector/src',
  'packages/importers/src',
  'packages/importers/fixtures',
  'package-lock.json',
]

if (isStale()) build()
await import('../apps/server/src/main.ts')

function isStale(): boolean {
  const built = statSync(join(root, PAGE), { throwIfNoEntry: false })?.mtimeMs
  return built === undefined || SOURCES.some((source) => isNewer(join(root, source), built))
}

function isNewer(path: string, built: number): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return false
  return (
    stat.mtimeMs > built ||
    (stat.isDirectory() && readdirSync(path).some((name) => isNewer(join(path, name), built)))
  )
}

function build(): void {
  console.log('Building the dashboard …')
  const { status, signal, stdout, stderr } = spawnSync(
    'npm',
    ['run', '--silent', 'build', '-w', 'apps/dashboard'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  )
  if (status === 0) return
  console.error(`${stdout}${stderr}The dashboard could not be built${signal === null ? '' : ` (${signal})`}.`)
  process.exit(1)
}
