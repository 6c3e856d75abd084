import type { Format } from '../../format.ts'
import { capInConfig } from '../../caps/cap-in-config.ts'
import { jsonValues } from '../../streams/json-values.ts'
import { Entries } from '../../text/entries.ts'
import { isObject, parseLooseJson } from '../../text/loose-json.ts'

/** A sweep in one document, `[{"config": {…}, "history": [{"epoch": 0, "grad_norm": 1.2, …}]}]`: as many runs as configs. */
export const sweepJson: Format = {
  name: 'sweep-json',
  title: 'a sweep as a JSON list of {config, history} (step-back)',
  score: ({ text }) => (/^\s*\[\s*\{\s*"(?:config|history)"\s*:/.test(text) ? 1 : 0),
  isRewritten: true,
  async read(stream, log) {
    let current: number | undefined
    let entries = new Entries(log)
    const patterns = [
      ['*', 'config'],
      ['*', 'history', '*'],
    ]
    for await (const { pattern, path, text } of jsonValues(stream.text(), patterns)) {
      if (path[0] !== current) {
        log.nextRun()
        entries = new Entries(log)
        current = path[0] as number
      }
      const value = parseLooseJson(text)
      if (!isObject(value)) continue
      if (pattern === 1) entries.add(value)
      else {
        const run = log.run()
        run.config(value)
        const cap = capInConfig(value)
        if (cap !== undefined) run.cap(cap.clip, `${cap.key} in the run’s config`)
      }
    }
  },
}
