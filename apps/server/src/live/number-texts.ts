import { LAYER_PREFIX, type PointColumns } from '@normwatch/protocol'

/** Numbers as their sender wrote them, of `step` and of metrics by name: what stands between the brackets of a list in JSON. */
export type NumberTexts = ReadonlyMap<string, string>

/** Longer ones have spaces or digits that no number needs. */
const MAX_BYTES_A_NUMBER = 26
/** A body of so many bytes may be kept for whatever little is used of it. */
const SMALL_BYTES = 512

/**
 * The numbers of `columns` in the JSON text that they were read from, where each list is found there beyond doubt and in the
 * same order: to write a number as text anew takes as long as judging it. `steps` are those of the text.
 */
export function numberTexts(
  text: string,
  steps: readonly unknown[],
  columns: PointColumns,
): NumberTexts | undefined {
  const { step, metrics } = columns
  // Without a backslash each name is written in one way, and every quotation mark begins or ends a string.
  if (text.includes('\\') || steps.length !== step.length) return undefined
  for (let i = 0; i < step.length; i++) if (steps[i] !== step[i]) return undefined
  const texts = new Map<string, string>()
  let bytes = 0
  for (const name of ['step', ...metrics.keys()]) {
    const list = name.startsWith(LAYER_PREFIX) ? undefined : listOf(text, name)
    if (list === undefined || list.length > MAX_BYTES_A_NUMBER * step.length) continue
    texts.set(name, list)
    bytes += list.length
  }
  // The lists are parts of the text, and keep all of it in memory.
  return 2 * bytes + SMALL_BYTES < text.length ? undefined : texts
}

/** The only list of this name; a list of readings holds no other. */
function listOf(text: string, name: string): string | undefined {
  const key = `"${name}"`
  const from = text.indexOf(key) + key.length
  if (from < key.length || text.includes(key, from) || !text.startsWith(':[', from)) return undefined
  return text.slice(from + 2, text.indexOf(']', from))
}
