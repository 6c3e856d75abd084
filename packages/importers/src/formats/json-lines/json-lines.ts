import type { Format } from '../../format.ts'
import { capInConfig } from '../../caps/cap-in-config.ts'
import { capIn, type CapInText } from '../../caps/cap-in-line.ts'
import { isLoss, isNorm } from '../../runs/metric-naming.ts'
import { Entries, hasStep } from '../../text/entries.ts'
import { isObject, parseLooseJson } from '../../text/loose-json.ts'
import { readLearners } from './rllib.ts'

/**
 * One JSON object a line: mmengine's `scalars.json`, openpi, DETR's `log.txt`, ms-swift's `logging.jsonl`, RLlib's
 * `result.json`, fairseq's json lines, LLaMA-Factory's `trainer_log.jsonl`. Lines without a loss or a norm (evaluation,
 * summaries) are passed over; one that holds settings alone may hold the cap.
 */
export const jsonLines: Format = {
  name: 'json-lines',
  title: 'JSON lines (openpi, mmengine, DETR, ms-swift, RLlib, fairseq, …)',
  score: ({ text }, path) => {
    const entries = text
      .split(/[\r\n]+/)
      .map(objectIn)
      .filter((entry) => entry !== undefined)
    const isLog = (entry: Record<string, unknown>): boolean => {
      const names = Object.keys(entry)
      return (
        (hasStep(entry) || 'epoch' in entry || '_step' in entry) &&
        names.some((name) => isNorm(name) || isLoss(name))
      )
    }
    if (entries.some(isLog)) return 0.8
    if (entries.some(hasStep)) return 0.7
    return /\.jsonl(?:\.gz)?$/.test(path) && entries.length > 0 ? 0.6 : 0
  },
  async read(stream, log) {
    const entries = new Entries(log)
    for await (const lines of stream.lines())
      for (const line of lines) {
        const entry = objectIn(line)
        if (entry === undefined || Array.isArray(entry['log_history'])) continue
        if (entries.add(readLearners(entry, log))) continue
        const cap = capInConfig(entry) ?? capInPrinted(entry['config'])
        if (cap !== undefined) log.cap(cap.clip, `${cap.key} in the log`)
      }
    entries.finish()
  },
}

/** The cap in a configuration that mmcv writes as text into its first line. */
function capInPrinted(config: unknown): CapInText | undefined {
  if (typeof config !== 'string') return undefined
  for (const line of config.split('\n')) {
    const cap = capIn(line)
    if (cap !== undefined) return cap
  }
  return undefined
}

/** The JSON object that a line is, or ends with: fairseq writes its own prefix before it. Levanter's has its metrics in an object of their own. */
function objectIn(line: string): Record<string, unknown> | undefined {
  const start = line.indexOf('{')
  const entry = start < 0 ? undefined : parseLooseJson(line.slice(start))
  if (!isObject(entry)) return undefined
  const { tracker, event, step, metrics } = entry
  return tracker === 'json_logger' && event === 'log' && isObject(metrics) ? { ...metrics, step } : entry
}
