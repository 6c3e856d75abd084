import type { Format } from '../format.ts'
import { consoleLines, printedTime } from './console.ts'
import { withoutColours } from '../streams/carried.ts'
import { printedNumber } from './numbers.ts'

/** What is particular to a console whose lines hold a step and fields of names and values. */
export interface ConsoleShape {
  readonly name: string
  readonly title: string
  /** A line of a step: the group `step`, or `epoch`, `batch` and `batches`. */
  readonly entry: RegExp
  /** The number of the first epoch: 1 where it is not said. */
  readonly firstEpoch?: number
  /** A field (global): its name and its value, in this order. */
  readonly field: RegExp
  /** The log's names of the metrics that Normwatch knows. */
  readonly names: Readonly<Record<string, string>>
  readonly note?: string
}

/** A format of console lines, each of which stands for a step. */
export function consoleFormat({
  name,
  title,
  entry,
  field,
  names,
  note,
  firstEpoch = 1,
}: ConsoleShape): Format {
  return {
    name,
    title,
    score: ({ text }) =>
      withoutColours(text)
        .split(/[\r\n]+/)
        .some((line) => entry.test(line))
        ? 0.95
        : 0,
    async read(stream, log) {
      for await (const lines of consoleLines(stream, log))
        for (const line of lines) {
          const groups = entry.exec(line)?.groups
          if (groups === undefined) continue
          const { step, epoch, batch, batches } = groups
          const at =
            step === undefined
              ? (Number(epoch) - firstEpoch) * Number(batches) + Number(batch)
              : Number(step.replaceAll(',', ''))
          const readings = new Map<string, number>()
          for (const [, key = '', text = ''] of line.matchAll(field)) {
            const value = printedNumber(text)
            if (value !== undefined) readings.set(names[key] ?? key, value)
          }
          log.run().add(at, printedTime(line), readings)
        }
      if (note !== undefined) log.note(note)
    },
  }
}
