import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readLog, type ImportedRun, type ReadLogOptions } from '../src/index.ts'

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

/** The same of the logs collected later: counted from the file, and what a careful engineer expects to be found. */
export interface CountedLogMeta {
  readonly name: string
  readonly file: string
  readonly more_files?: readonly string[]
  readonly max_norm: number | null
  readonly facts: {
    readonly points: number
    readonly first_step: number
    readonly last_step: number
    readonly norms: { readonly min: number; readonly p50: number; readonly max: number }
    readonly nonfinite_norm: number
    readonly nonfinite_loss: number
    readonly loss_first_last: readonly [number, number]
  }
  readonly expect: { readonly must: readonly string[]; readonly must_not: readonly string[] }
}

const folders = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort()

export const recordedNames: readonly string[] = folders.filter((name) => 'stats' in metaOf(name))
export const countedNames: readonly string[] = folders.filter((name) => !recordedNames.includes(name))

export function metaOf(name: string): LogMeta {
  return JSON.parse(readFileSync(join(folder, name, 'meta.json'), 'utf8')) as LogMeta
}

export function countedMetaOf(name: string): CountedLogMeta {
  return metaOf(name) as unknown as CountedLogMeta
}

/** The log itself, as its tool wrote it. */
export function textOf(name: string, file = metaOf(name).file): string {
  return bytesOf(name, file).toString('utf8')
}

export function bytesOf(name: string, file = metaOf(name).file): Buffer {
  return gunzipSync(readFileSync(join(folder, name, `${file}.gz`)))
}

/** The runs that a recorded log holds. */
export function recordedRuns(
  name: string,
  file = metaOf(name).file,
  options: ReadLogOptions = {},
): Promise<readonly ImportedRun[]> {
  return readLog(inChunks(bytesOf(name, file), 65_536), `${name}/${file}`, options)
}

export async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const last = new Map<string, ImportedRun>()
for (const name of recordedNames) last.set(name, (await recordedRuns(name)).at(-1) as ImportedRun)

/** The last run that a recorded log holds: of a training started over and over, the one that went furthest. */
export function recordedRun(name: string): ImportedRun {
  return last.get(name) as ImportedRun
}
