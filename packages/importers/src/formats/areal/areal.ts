import type { Format } from '../../format.ts'
import { consoleLines } from '../../text/console.ts'
import { withoutColours } from '../../streams/carried.ts'
import { printedNumber } from '../../text/numbers.ts'

const DONE = /\bEpoch \d+\/\d+ Step \d+\/\d+ Train step (\d+)\/\d+ done\./
const TABLE = /\bStats \(\d+\/\d+\):/

/**
 * AReaL's console: `Epoch 1/10 Step 1/100 Train step 1/1000 done.`, then for each update `Stats (1/4):` and a table of names and
 * values in pairs. Updates are numbered as AReaL numbers them for other tools: from the train step on, and never backwards.
 */
export const areal: Format = {
  name: 'areal',
  title: 'AReaL, console',
  score: ({ text }) => (DONE.test(withoutColours(text)) ? 0.95 : 0),
  async read(stream, log) {
    let step = -1
    let next: number | undefined
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const done = DONE.exec(line)?.[1]
        if (done !== undefined) next = Math.max(Number(done) - 1, step + 1)
        else if (TABLE.test(line) && next !== undefined) step = next++
        if (next === undefined || !line.includes('│')) continue
        const cells = line.split('│').slice(1, -1)
        for (let i = 0; i + 1 < cells.length; i += 2) {
          const name = (cells[i] as string).trim()
          const value = printedNumber(cells[i + 1] as string)
          if (name !== '' && value !== undefined && step >= 0) log.run().add(step, NaN, [[name, value]])
        }
      }
  },
}
