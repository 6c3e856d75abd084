import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { machine } from '../server-process.ts'
import { writeResults } from '../write-results.ts'

const FILE = join(import.meta.dirname, 'results.json')

/** Writes figures under their name into results.json, with the machine and its load. Figures of other names stay. */
export async function keep(name: string, figures: unknown): Promise<void> {
  const kept = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as object) : {}
  await writeResults(import.meta.dirname, { ...kept, [name]: { ...machine(), figures } })
}
