import type { Draft, Importer } from './imported-run.ts'
import { renamed } from './metric-names.ts'
import { printedNumber } from './numbers.ts'

const ENTRY = /(?:^|[\s\]])iteration\s+(\d+)\s*\/\s*\d+\s*\|(.*)/
const CAP = /^\s*(?:\[default\d+\]:\s*)?clip_grad\s*\.+\s*(\S+)/

/**
 * Megatron-LM and Megatron-DeepSpeed standard output, also quoted in a diary: `iteration 30/ 1000 | lm loss: 2.6E+01 |
 * loss scale: 16384.0 | grad norm: 67.033 | …`. Every rank may print the same line. A skipped step has no loss, and
 * repeats the norm of the step before it, if it prints one: such a norm is not taken.
 */
export const megatron: Importer = {
  format: 'megatron',
  detect: (head) => ENTRY.test(head.split('\n').find((line) => ENTRY.test(line)) ?? ''),
  read(lines, draft) {
    const counts = { zeros: 0, repeated: 0 }
    for (const line of unwrapped(lines)) {
      const cap = CAP.exec(line)?.[1]
      if (cap !== undefined && Number(cap) > 0) draft.clip = { mode: 'norm', max_norm: Number(cap) }
      const match = ENTRY.exec(line)
      if (match !== null) addIteration(Number(match[1]), match[2] as string, draft, counts)
    }
    if (counts.zeros > 0)
      draft.note(
        `${counts.zeros} norms printed as 0.000 were left out: Megatron prints that where the norm is not reported.`,
      )
    if (counts.repeated > 0)
      draft.note(`${counts.repeated} norms of skipped steps were left out: Megatron repeats the one before.`)
  },
}

function addIteration(
  step: number,
  rest: string,
  draft: Draft,
  counts: { zeros: number; repeated: number },
): void {
  const entry = new Map<string, number>()
  for (const field of rest.split('|')) {
    const colon = field.lastIndexOf(':')
    const value = colon < 0 ? undefined : printedNumber(field.slice(colon + 1).trim())
    if (value !== undefined) entry.set(field.slice(0, colon).trim(), value)
  }
  const norm = entry.get('grad norm')
  const hasLoss = entry.has('lm loss') || entry.has('lm-loss') || entry.has('loss')
  if (norm === 0) {
    counts.zeros++
    entry.delete('grad norm')
  } else if (norm !== undefined && !hasLoss) {
    counts.repeated++
    entry.delete('grad norm')
  }
  const nans = entry.get('number of nan iterations') ?? 0
  if (!hasLoss && nans > 0) entry.set('lm loss', NaN)
  draft.add(step, NaN, renamed(entry))
}

/** Joins the lines of an entry that was wrapped when it was pasted into a diary. */
function* unwrapped(lines: Iterable<string>): Generator<string> {
  let open: string | undefined
  for (const line of lines) {
    if (open !== undefined && !ENTRY.test(line) && /\|/.test(line)) {
      open += ` ${line.trim()}`
      if (!line.trimEnd().endsWith('|') && /\|\s*number of nan\s*$/.test(open)) continue
      if (!line.trimEnd().endsWith('|')) continue
      yield open
      open = undefined
    } else {
      if (open !== undefined) yield open
      open = undefined
      if (ENTRY.test(line) && !line.trimEnd().endsWith('|')) open = line.trimEnd()
      else yield line
    }
  }
  if (open !== undefined) yield open
}
