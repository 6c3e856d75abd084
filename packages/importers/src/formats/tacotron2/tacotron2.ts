import type { Format } from '../../format.ts'
import { consoleLines } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const ENTRY = /^Train loss (\d+) (\S+) Grad Norm (\S+)/

/** NVIDIA Tacotron 2's console: `Train loss 7082 0.412546 Grad Norm 1.326766 1.15s/it`: the first number is the step. */
export const tacotron2: Format = {
  name: 'tacotron2',
  title: 'NVIDIA Tacotron 2, WaveGlow, console',
  score: ({ text }) => (/^Train loss \d+ \S+ Grad Norm /m.test(text) ? 1 : 0),
  async read(stream, log) {
    const run = log.run()
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const [, step, loss, norm] = ENTRY.exec(line) ?? []
        if (step === undefined) continue
        const readings: [string, number][] = []
        for (const [name, text] of [
          ['loss', loss],
          ['grad_norm', norm],
        ] as const) {
          const value = printedNumber(text as string)
          if (value !== undefined) readings.push([name, value])
        }
        run.add(Number(step), NaN, readings)
      }
  },
}
