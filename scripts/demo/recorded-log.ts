import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readLogText } from '@normwatch/importers'
import type { Readings } from '@normwatch/sdk'

const FOLDER = join(import.meta.dirname, '../../packages/importers/fixtures')

/** A real training log in this repository. Its licence and source are in the `meta.json` beside it. */
export interface RecordedLog {
  readonly maxNorm: number
  /** The source of the log, and its licence. */
  readonly source: string
  /** The readings of each step, as `log` takes them. */
  readonly steps: readonly Readings[]
}

interface Meta {
  readonly max_norm: number
  readonly url: string
  readonly licence: string
}

export async function readRecordedLog(folder: string, file: string): Promise<RecordedLog> {
  const meta = JSON.parse(readFileSync(join(FOLDER, folder, 'meta.json'), 'utf8')) as Meta
  const text = gunzipSync(readFileSync(join(FOLDER, folder, file))).toString()
  const run = (await readLogText(text, file)).at(-1)
  if (run === undefined) throw new Error(`${folder}/${file} holds no run`)
  const { step, metrics } = run.points
  const steps = Array.from(step, (at, row) => {
    const readings: Record<string, number> = { step: at }
    for (const [name, { values, present }] of metrics) {
      if (present === null || present[row] === 1) readings[name] = values[row] as number
    }
    return readings
  })
  return { maxNorm: meta.max_norm, source: `Recorded by ${meta.url} (${meta.licence}).`, steps }
}
