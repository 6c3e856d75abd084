import { ByteWriter, ParquetWriter, type ColumnSource } from 'hyparquet-writer'
import { VERSION } from '../../version.ts'
import type { Readings } from './readings.ts'

const required = (name: string, type: 'INT64' | 'DOUBLE') =>
  ({ name, type, repetition_type: 'REQUIRED' }) as const
const optional = (name: string) => ({ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' }) as const

/**
 * The record as a Parquet file: `step` (INT64), `time` (DOUBLE, Unix seconds) and a DOUBLE column a metric, null where
 * there is no reading. A row group a block, so that memory is bounded by one.
 */
export async function* parquetFile({ metrics, blocks }: Readings, about: object): AsyncGenerator<Uint8Array> {
  const writer = new ByteWriter()
  const file = new ParquetWriter({
    writer,
    schema: [
      { name: 'root', num_children: 2 + metrics.length },
      required('step', 'INT64'),
      required('time', 'DOUBLE'),
      ...metrics.map(optional),
    ],
    kvMetadata: [{ key: 'normwatch.run', value: JSON.stringify(about) }],
    createdBy: `normwatch ${VERSION}`,
  })
  for await (const { step, time, values } of blocks) {
    const columnData: ColumnSource[] = [
      { name: 'step', data: step.map(BigInt), nullable: false },
      { name: 'time', data: Float64Array.from(time), nullable: false },
      ...metrics.map((name, i) => ({ name, data: [...(values[i] ?? [])] })),
    ]
    await file.write({ columnData, rowGroupSize: step.length })
    yield taken(writer)
  }
  await file.finish()
  yield taken(writer)
}

/** What was written since the last time. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = new Uint8Array(writer.buffer, 0, writer.index).slice()
  writer.index = 0
  return bytes
}
