import type { PointColumns } from '@normwatch/protocol'

/** The rows of a batch in parts of so many, in order; each names every metric of the batch and shares its memory. */
export function* partsOf(columns: PointColumns, rows: number): Generator<PointColumns> {
  for (let from = 0; from < columns.step.length; from += rows) {
    const to = from + rows
    const metrics = new Map(
      [...columns.metrics].map(([name, { values, present }]) => [
        name,
        { values: values.subarray(from, to), present: present?.subarray(from, to) ?? null },
      ]),
    )
    yield { step: columns.step.subarray(from, to), time: columns.time.subarray(from, to), metrics }
  }
}
