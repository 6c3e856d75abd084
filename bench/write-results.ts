import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'

/** Keeps a benchmark's raw figures beside its code, in the checkout's format. */
export async function writeResults(folder: string, results: object, name = 'results.json'): Promise<void> {
  const file = join(folder, name)
  const options = await resolveConfig(file)
  writeFileSync(file, await format(JSON.stringify(results), { ...options, filepath: file }))
}
