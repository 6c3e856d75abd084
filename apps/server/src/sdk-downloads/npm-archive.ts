import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { tar } from './tar.ts'

/** Name of the archive, as `npm pack` names it. */
export const npmArchiveName = (version: string): string => `normwatch-sdk-${version}.tgz`

/** The built npm package in `folder` as the archive that npm installs. Throws `ENOENT` where it has not been built. */
export async function makeNpmArchive(folder: string): Promise<Buffer> {
  const names = readdirSync(folder).sort()
  return promisify(gzip)(
    tar(Object.fromEntries(names.map((name) => [`package/${name}`, readFileSync(join(folder, name))]))),
  )
}
