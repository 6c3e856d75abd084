import { RunDraft } from './draft.ts'
import { hfConsole } from './hf-console.ts'
import { hfTrainerState } from './hf-trainer-state.ts'
import type { ImportedRun, Importer } from './imported-run.ts'
import { jsonLines } from './json-lines.ts'
import { llmc } from './llmc.ts'
import { megatron } from './megatron.ts'
import { swin } from './swin.ts'
import { verl } from './verl.ts'

/** The formats, the most particular first. */
export const importers: readonly Importer[] = [
  hfTrainerState,
  llmc,
  verl,
  megatron,
  swin,
  hfConsole,
  jsonLines,
]

/** Characters of a log that are enough to know its format: launchers print long configurations first. */
const HEAD = 1 << 20

/** The format that `head`, the beginning of a log, is in; `undefined` when it is none that is known. */
export function detectFormat(head: string): string | undefined {
  return importers.find((importer) => importer.detect(head.slice(0, HEAD)))?.format
}

/** No importer knows the format, or the one asked for. */
export class UnknownFormat extends Error {
  override readonly name = 'UnknownFormat'
}

/** Reads a log whole. Throws `UnknownFormat`; a log that is cut off or has lines of other things in it is read as far as it goes. */
export function importLog(text: string, name: string, format = detectFormat(text)): ImportedRun {
  return importLines(text.split(/\r?\n|\r/), name, format)
}

/** The same from a stream of lines, when the format is known (see `detectFormat`). */
export function importLines(lines: Iterable<string>, name: string, format: string | undefined): ImportedRun {
  const importer = importers.find((candidate) => candidate.format === format)
  if (importer === undefined) {
    const known = importers.map((candidate) => candidate.format).join(', ')
    throw new UnknownFormat(`No importer reads ${format ?? 'this log'}; the formats are ${known}.`)
  }
  const draft = new RunDraft()
  importer.read(lines, draft)
  return draft.finish(name)
}
