import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'

/** Writes a benchmark's raw figures to a file beside its code, formatted like the checkout. */
export async function writeResults(folder: string, results: object, name = 'results.json'): Promise<void> {
  const file = join(folder, name)
  const options = await resolveConfig(file)
  writeFileSync(file, await format(JSON.stringify(results), { ...options, filepath: file }))
}
