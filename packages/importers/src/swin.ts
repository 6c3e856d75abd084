import type { Importer } from './imported-run.ts'
import { renamed } from './metric-names.ts'
import { printedNumber } from './numbers.ts'

const ENTRY = /Train: \[(\d+)\/\d+\]\[(\d+)\/(\d+)\]\s*(.*)/
const STAMP = /^\[(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)/
const FIELD = /(?:^|\s)([a-z_]+) (\S+)(?: \((\S+?)\))?(?=\s|$)/g
const CAP = /^\s*CLIP_GRAD:\s*(\S+)/
/** Fields that are no metrics of the training. */
const PASSED = new Set(['eta', 'mem', 'time'])

/**
 * Logs of Swin, BEiT and their kin: `Train: [0/300][10/195]  lr 0.000001  loss 6.98 (6.97)  grad_norm 2.5 (2.6)`: the
 * value, and in brackets its running average, which is not taken. The batch restarts every epoch, so the step is
 * epoch × batches + batch.
 */
export const swin: Importer = {
  format: 'swin',
  detect: (head) => ENTRY.test(head) || /^\s*CLIP_GRAD:\s/m.test(head),
  read(lines, draft) {
    for (const line of lines) {
      const cap = CAP.exec(line)?.[1]
      if (cap !== undefined && Number(cap) > 0) draft.clip = { mode: 'norm', max_norm: Number(cap) }
      const match = ENTRY.exec(line)
      if (match === null) continue
      const [epoch, batch, batches] = match.slice(1, 4).map(Number) as [number, number, number]
      const entry = new Map<string, number>()
      for (const [, name, text] of (match[4] as string).matchAll(FIELD)) {
        const value = printedNumber(text as string)
        if (value !== undefined && !PASSED.has(name as string)) entry.set(name as string, value)
      }
      draft.add(epoch * batches + batch, timeOf(line), renamed(entry))
    }
    draft.note('Times are the log’s own, read as UTC.')
  },
}

function timeOf(line: string): number {
  const match = STAMP.exec(line)
  if (match === null) return NaN
  const [year, month, ...rest] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  return Date.UTC(year, month - 1, ...rest) / 1000
}
