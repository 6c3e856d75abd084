import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const folder = join(import.meta.dirname, 'made')
const run = '4cd20c2c407348e8b602a4f3'

/** Logs of `made/`, under the paths where their tools put them. */
export const madeLogs: Readonly<Record<string, string>> = {
  'run-p81r19yi.swanlab': 'run.swanlab.gz',
  [`.aim/meta/chunks/${run}/000009.sst`]: 'aim-finished-meta.sst.gz',
  [`.aim/seqs/chunks/${run}/000009.sst`]: 'aim-finished-seqs.sst.gz',
  [`.aim/meta/chunks/${run}/000005.log`]: 'aim-running-meta.log.gz',
  [`.aim/seqs/chunks/${run}/000005.log`]: 'aim-running-seqs.log.gz',
  'snappy.parquet': 'parquet/snappy.parquet',
  'zstd.parquet': 'parquet/zstd.parquet',
  'brotli.parquet': 'parquet/brotli.parquet',
  'gzip.parquet': 'parquet/gzip.parquet',
  'lz4.parquet': 'parquet/lz4.parquet',
  'none.parquet': 'parquet/none.parquet',
  'TOY-1_part_0.parquet': 'parquet/neptune-TOY-1_part_0.parquet',
}

/** A log of `made/`, unpacked. */
export function madeBytes(name: string): Buffer {
  const bytes = readFileSync(join(folder, name))
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes
}
