import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { importLog, type ImportedRun } from '../src/index.ts'

const folder = join(import.meta.dirname, '../fixtures')

/** What `meta.json` says of a recorded log. */
export interface LogMeta {
  readonly name: string
  readonly format: string
  readonly file: string
  readonly max_norm: number
  readonly behaviour: readonly string[]
  readonly stats: {
    readonly points: number
    readonly step_last: number
    readonly median_norm: number
    readonly max_norm_seen: number
    readonly clip_rate: number
  }
}

export const recordedNames: readonly string[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort()

export function metaOf(name: string): LogMeta {
  return JSON.parse(readFileSync(join(folder, name, 'meta.json'), 'utf8')) as LogMeta
}

/** The log itself, as its tool wrote it. */
export function textOf(name: string, file = metaOf(name).file): string {
  return bytesOf(name, file).toString('utf8')
}

export function bytesOf(name: string, file: string): Buffer {
  return gunzipSync(readFileSync(join(folder, name, `${file}.gz`)))
}

export function recordedRun(name: string): ImportedRun {
  return importLog(textOf(name), name)
}
