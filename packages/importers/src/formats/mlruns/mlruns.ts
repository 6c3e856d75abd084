import type { Format } from '../../format.ts'
import { printedNumber } from '../../text/numbers.ts'

const PATH = /([0-9a-f]{32})\/metrics\/(.+)$/
const LINE = /^(\d{13}) (\S+) (\d+)\s*$/

/** MLflow's `mlruns/`: a file a metric, `mlruns/<experiment>/<run>/metrics/<name>`, of lines `timestamp value step`. */
export const mlruns: Format = {
  name: 'mlruns',
  title: 'MLflow, mlruns folder',
  score: ({ text }, path) => (PATH.test(path) && LINE.test(text.split('\n')[0] ?? '') ? 1 : 0),
  runOf: (path) => PATH.exec(path)?.[1] ?? path,
  async read(stream, log) {
    const [, id, name] = PATH.exec(stream.name) ?? []
    const run = log.run(id)
    for await (const lines of stream.lines())
      for (const line of lines) {
        const [, time, text, step] = LINE.exec(line) ?? []
        const value = text === undefined ? undefined : printedNumber(text)
        if (value !== undefined) run.put(Number(step), Number(time) / 1000, name ?? 'value', value)
      }
  },
}
