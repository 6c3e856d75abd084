import type { Format } from '../../format.ts'
import { clipOf } from '../../caps/clip-kind.ts'
import { consoleLines } from '../../text/console.ts'
import { withoutColours } from '../../streams/carried.ts'
import { printedNumber } from '../../text/numbers.ts'

const PAIR = /'([\w/. -]+)': ((?:np\.\w+|[aA]rray)\([^()]*\)|[^,{}]+)/g
const MARKS = [/^\{'[\w/]+': /m, /'gradient_norm': /, /'step': \d+\}/] as const
const CLIP = /\bclip_gradient['"]?[=:] ?['"]?([\d.e+-]+)/
/** Pairs of a dictionary. */
const MAX_PAIRS = 1000

/**
 * EasyLM's console: dictionaries as `pprint` breaks them, `{'accuracy': 0.01,`, ` 'gradient_norm': 2.5,`, …, ` 'step': 50}`. The norm
 * is taken before optax clips.
 */
export const easylm: Format = {
  name: 'easylm',
  title: 'EasyLM, console',
  score: ({ text }) => {
    const plain = withoutColours(text)
    return MARKS.every((mark) => mark.test(plain)) ? 0.95 : 0
  },
  async read(stream, log) {
    let entry: Map<string, number> | undefined
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const cap = entry === undefined ? printedNumber(CLIP.exec(line)?.[1] ?? '') : undefined
        if (cap !== undefined) log.cap(clipOf(cap), 'clip_gradient in the log')
        if (line.startsWith("{'")) entry = new Map()
        for (const [, name = '', text = ''] of entry === undefined ? [] : line.matchAll(PAIR)) {
          const value = printedNumber(text)
          if (value !== undefined && (entry?.size ?? 0) < MAX_PAIRS) entry?.set(name, value)
        }
        if (entry === undefined || !line.trimEnd().endsWith('}')) continue
        const step = entry.get('step')
        entry.delete('step')
        if (step !== undefined) log.run().add(step, NaN, entry)
        entry = undefined
      }
  },
}
