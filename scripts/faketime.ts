import { globSync } from 'node:fs'
import { installPackages } from './debian.ts'

const find = (): string | undefined => globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0]

/** Path of libfaketime, which sets the clock of a process. Installs its Debian package if possible. */
export function ensureFaketime(): string | undefined {
  return find() ?? (installPackages(['libfaketime']) ? find() : undefined)
}
