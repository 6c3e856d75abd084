import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { tar } from './tar.ts'

/** The archive contains its own build backend, so installing it needs only Python. */
const PROJECT = `[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
`

/** Name of the archive; pip reads package and version from it. */
export const pythonArchiveName = (version: string): string => `normwatch-${version}.tar.gz`

/** The Python SDK in `folder` (sources in `src`, build backend in `offline`) as a source archive that pip installs offline. */
export async function makePythonArchive(folder: string, version: string): Promise<Buffer> {
  const root = `normwatch-${version}`
  const sources = globSync('src/normwatch/**/*.{py,typed}', { cwd: folder }).sort()
  const files = Object.fromEntries(
    sources.map((path) => [`${root}/${path.replaceAll('\\', '/')}`, readFileSync(join(folder, path))]),
  )
  const archive = tar({
    [`${root}/PKG-INFO`]: Buffer.from(metadata(version)),
    [`${root}/pyproject.toml`]: Buffer.from(PROJECT),
    [`${root}/backend.py`]: readFileSync(join(folder, 'offline/backend.py')),
    ...files,
  })
  return promisify(gzip)(archive)
}

/** The package's metadata for pip. */
function metadata(version: string): string {
  return `Metadata-Version: 2.1
Name: normwatch
Version: ${version}
Summary: Logs gradient norms from a training loop to a Normwatch server.
License: MIT
Requires-Python: >=3.9
Provides-Extra: server
Requires-Dist: normwatch-server==${version}; extra == 'server'
`
}
