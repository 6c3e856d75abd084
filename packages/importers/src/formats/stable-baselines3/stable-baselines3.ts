import type { Format } from '../../format.ts'
import { isNorm } from '../../runs/metric-naming.ts'
import { consoleLines } from '../../text/console.ts'
import { withoutColours } from '../../streams/carried.ts'
import { printedNumber } from '../../text/numbers.ts'

const BORDER = /^-{10,}\s*$/
/** Rows of a table. */
const MAX_ROWS = 1000
const STEP = 'time/total_timesteps'

/**
 * Stable-Baselines3's tables: between lines of dashes a row `| train/ | |`, then those of its metrics, `|    loss | 0.1 |`. They
 * have no gradient norm unless the training records one. The step is `time/total_timesteps`, which every table has: one that an
 * evaluation prints has no `time/iterations`.
 */
export const stableBaselines3: Format = {
  name: 'stable-baselines3',
  title: 'Stable-Baselines3, console (no gradient norm)',
  score: ({ text }) => (/^\| (?:time|train)\/ +\| +\| *$/m.test(withoutColours(text)) ? 0.95 : 0),
  async read(stream, log) {
    let readings = new Map<string, number>()
    let tag = ''
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        if (BORDER.test(line)) {
          const step = readings.get(STEP)
          const trained = [...readings].filter(([name]) => name.startsWith('train/') || isNorm(name))
          if (step !== undefined && trained.length > 0) log.run().add(step, NaN, trained)
          readings = new Map()
          tag = ''
          continue
        }
        const [before, key = '', text = '', after] = line.split('|', 5)
        if (before !== '' || after?.trim() !== '') continue
        const name = key.trim()
        const value = printedNumber(text)
        if (value === undefined) tag = name.endsWith('/') ? name : tag
        else if (readings.size < MAX_ROWS)
          readings.set(key.startsWith('    ') ? `${tag}${name}` : name, value)
      }
  },
}
