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
    const seen: Seen = { step: 0, zeros: 0, repeated: 0 }
    for (const line of unwrapped(lines)) {
      const cap = CAP.exec(line)?.[1]
      if (cap !== undefined && Number(cap) > 0) draft.clip = { mode: 'norm', max_norm: Number(cap) }
      const match = ENTRY.exec(line)
      if (match !== null) addIteration(Number(match[1]), match[2] as string, draft, seen)
    }
    if (seen.zeros > 0)
      draft.note(
        `${seen.zeros} norms printed as 0.000 were left out: Megatron prints that where the norm is not reported.`,
      )
    if (seen.repeated > 0)
      draft.note(`${seen.repeated} norms of skipped steps were left out: Megatron repeats the one before.`)
  },
}

/** What was seen so far: the step before, and how many norms were left out for which reason. */
interface Seen {
  step: number
  zeros: number
  repeated: number
}

function addIteration(step: number, rest: string, draft: Draft, seen: Seen): void {
  const entry = new Map<string, number>()
  for (const field of rest.split('|')) {
    const colon = field.lastIndexOf(':')
    const value = colon < 0 ? undefined : printedNumber(field.slice(colon + 1).trim())
    if (value !== undefined) entry.set(field.slice(0, colon).trim(), value)
  }
  const norm = entry.get('grad norm')
  const hasLoss = entry.has('lm loss') || entry.has('lm-loss') || entry.has('loss')
  if (norm === 0) {
    seen.zeros++
    entry.delete('grad norm')
  } else if (norm !== undefined && !hasLoss) {
    seen.repeated++
    entry.delete('grad norm')
  }
  const nans = entry.get('number of nan iterations') ?? 0
  if (!hasLoss && nans > 0) entry.set('lm loss', NaN)
  const skipped = entry.get('number of skipped iterations')
  // An entry stands for all iterations since the one before: it was skipped only if all of them were.
  if (skipped !== undefined) entry.set('skipped', skipped >= Math.max(1, step - seen.step) ? 1 : 0)
  seen.step = step
  draft.add(step, NaN, renamed(entry))
}

/** Joins the lines of an entry that was wrapped when it was pasted into a diary: an entry ends with a bar. */
function* unwrapped(lines: Iterable<string>): Generator<string> {
  let open: string | undefined
  for (const line of lines) {
    const isEntry = ENTRY.test(line)
    if (open !== undefined && !isEntry && line.includes('|')) {
      open += ` ${line.trim()}`
      continue
    }
    if (open !== undefined) yield open
    open = isEntry && !line.trimEnd().endsWith('|') ? line : undefined
    if (open === undefined) yield line
  }
  if (open !== undefined) yield open
}
