/** `npm start`: builds the dashboard where it is missing or older than its sources, then runs the server in this process. */
import { spawnSync } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const PAGE = 'apps/dashboard/build/index.html'
/** All that the build reads; a change of dependencies shows in the lock file. */
const SOURCES = [
  'apps/dashboard/{src,static}/**/*',
  'apps/dashboard/*.{json,ts}',
  'packages/{protocol,detector}/src/**/*.ts',
  'package-lock.json',
]

if (isStale()) build()
await import('../apps/server/src/main.ts')

function isStale(): boolean {
  const built = changedAt(PAGE)
  return (
    built === undefined || globSync(SOURCES, { cwd: root }).some((file) => (changedAt(file) ?? 0) > built)
  )
}

function changedAt(file: string): number | undefined {
  return statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs
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
