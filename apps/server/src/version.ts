import { readFileSync } from 'node:fs'
import { layout } from './layout.ts'

/** The version of this server. */
export const VERSION = (JSON.parse(readFileSync(layout.manifest, 'utf8')) as { version: string }).version
