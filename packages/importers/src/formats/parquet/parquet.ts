import type { Format } from '../../format.ts'
import { Entries } from '../../text/entries.ts'
import { NeptuneRows, isOfNeptune } from './neptune.ts'
import { plain, rowGroups } from './parquet-columns.ts'

const MAGIC = [0x50, 0x41, 0x52, 0x31]

/**
 * Parquet: a table of a row a step, as from pandas, polars or a tracker's export, or what Neptune's exporter writes, which has
 * a row a reading. The parts of an export are one run.
 */
export const parquet: Format = {
  name: 'parquet',
  title: 'Parquet (a column a metric, or Neptune’s exporter)',
  score: ({ bytes }) => (MAGIC.every((byte, i) => bytes[i] === byte) ? 0.9 : 0),
  runOf: (path) => path.replace(/_part_\d+\.parquet$/, ''),
  isRewritten: true,
  async read(stream, log) {
    const entries = new Entries(log)
    const neptune = new NeptuneRows(log)
    for await (const { rows, columns } of rowGroups(await stream.whole())) {
      if (isOfNeptune(columns)) {
        neptune.add(columns, rows)
        continue
      }
      const list = [...columns]
      for (let row = 0; row < rows; row++) {
        const entry: Record<string, unknown> = {}
        for (const [name, values] of list) {
          const value = plain(values[row])
          if (value !== undefined && name !== '__proto__') entry[name] = value
        }
        entries.add(entry)
      }
    }
    neptune.finish()
    entries.finish()
  },
}
