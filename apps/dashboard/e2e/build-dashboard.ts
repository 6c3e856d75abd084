import { execFileSync } from 'node:child_process'
import { existsSync, globSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

const dashboard = resolve(import.meta.dirname, '..')

/** Builds the pages that the server serves, unless the build is newer than all they are made of. */
export function buildDashboard(): void {
  const sources = globSync(['src/**', 'static/**', '*.ts', 'package.json'], { cwd: dashboard })
  const built = join(dashboard, 'build/index.html')
  const newest = Math.max(...sources.map((file) => statSync(join(dashboard, file)).mtimeMs))
  if (existsSync(built) && statSync(built).mtimeMs > newest) return
  const vite = resolve(dashboard, '../../node_modules/vite/bin/vite.js')
  execFileSync(process.execPath, [vite, 'build'], { cwd: dashboard, stdio: 'pipe' })
}
