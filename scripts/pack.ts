/**
 * `npm run pack`: builds everything that is published into `dist/`: the npm packages, the Python SDK and the wheels with the
 * server. The same checkout gives the same bytes.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeNpmPackage } from './pack/npm-package.ts'
import { makeWheels } from './pack/wheels.ts'
import { run } from './python-env.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)

run('npm', ['run', '--silent', 'build', '-w', 'apps/dashboard'])
run('npm', ['run', '--silent', 'build', '-w', 'packages/sdk'])
const server = await makeNpmPackage(root, join(dist, 'npm'))
for (const folder of [server, join(root, 'packages/sdk/dist')]) {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', dist, folder], { stdio: 'inherit' })
}
makeWheels(root, server, dist)
rmSync(join(dist, 'npm'), { recursive: true })
