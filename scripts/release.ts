/** `npm run release -- VERSION`: writes the version into every file that has it. Does not commit, tag or publish. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setVersion } from './release/set-version.ts'

const root = join(import.meta.dirname, '..')
const [version, ...rest] = process.argv.slice(2)
if (version === undefined || rest.length > 0) {
  console.error('Usage: npm run release -- VERSION, such as npm run release -- 1.2.0')
  process.exit(2)
}
try {
  const today = new Date().toISOString().slice(0, 10)
  for (const file of setVersion(root, version, today)) console.log(file)
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
// Fails if the manifests and the lock file do not match.
process.exitCode = spawnSync('npm', ['ls', '--package-lock-only', '--silent'], { cwd: root }).status ?? 1
