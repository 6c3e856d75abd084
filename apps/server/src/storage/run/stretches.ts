import { LossMoves, orderNorms, type LossSums, type OrderedNorms } from '@normwatch/detector'
import { ByteReader, ByteWriter } from '../leaf/bytes.ts'
import { readShuffledFrom, writeShuffled } from '../leaf/encode-floats.ts'
import { bytesIn, compress, isWhole, plain, readingsIn } from './blob.ts'
import type { PackedReadings, Readings } from './unpacker.ts'

/** Leaves that follow each other: from where the first one starts up to the step behind the last one. */
export interface Stretch {
  readonly start: number
  readonly next: number
}

/** What a stretch holds of one metric, for questions about very many readings. The leaves hold it too. */
export interface StretchBlobs {
  /** Of a loss, its sums. Of norms, how many readings there are, and for each bucket its number of norms and the sum of their inverses. */
  readonly figures: Uint8Array
  /** In ascending order; `null` for a loss. */
  readonly norms: Uint8Array | null
}

/** The rows of stretches. Those of one metric do not overlap; a leaf that is written or removed removes its stretch's. */
export interface StretchRows {
  /** The first stretch that starts at `step` or above it. */
  next(run: number, metric: number, step: number): Stretch | undefined
  read(run: number, metric: number, start: number): StretchBlobs | undefined
  save(run: number, metric: number, stretch: Stretch, blobs: StretchBlobs): void
}

/** Where none are kept. */
export const NO_STRETCHES: StretchRows = {
  next: () => undefined,
  read: () => undefined,
  save: () => {},
}

/** What is kept of a metric. */
export type Measured = 'norms' | 'losses'

/** A stretch as it is stored, from these pages of its leaves. Throws `DamagedPoints`. */
export function encodeStretch(pages: readonly PackedReadings[], kind: Measured): StretchBlobs {
  const blocks = pages.map(({ blobs, metric }) => readingsIn(blobs, metric))
  return kind === 'norms' ? encodeNorms(blocks) : encodeLosses(blocks)
}

const inNumbers = (numbers: readonly number[]): Uint8Array =>
  compress(new Uint8Array(Float64Array.from(numbers).buffer))

/** A copy, which begins where numbers may. */
const numbersIn = (blob: Uint8Array): Float64Array => new Float64Array(new Uint8Array(bytesIn(blob)).buffer)

/** Norms that are packed together. */
const PIECE = 2 ** 13
const NUMBERS_A_BUCKET = 3
/** Numbers before those of the buckets. */
const HEAD = 5
type Head = [readings: number, below0: number, isSingle: number, lowest: number, highest: number]
type Sums = [readings: number, finite: number, moves: number, squares: number, first: number, last: number]
const writer = new ByteWriter()

function encodeNorms(blocks: readonly Readings[]): StretchBlobs {
  const { readings, below0, isSingle, lowest, highest, buckets, counts, inverses, norms } = orderNorms(blocks)
  const numbers = [readings, below0, isSingle ? 1 : 0, lowest, highest]
  buckets.forEach((bucket, i) => numbers.push(bucket, counts[i] as number, inverses[i] as number))
  return { figures: inNumbers(numbers), norms: inPieces(norms) }
}

/** Norms packed piece by piece, so that few are unpacked for a few of them. */
function inPieces(norms: Readings): Uint8Array {
  const pieces: Uint8Array[] = []
  for (let from = 0; from < norms.length; from += PIECE) {
    writeShuffled(writer, norms.subarray(from, from + PIECE))
    pieces.push(compress(writer.take()))
  }
  for (const piece of pieces) {
    writer.varint(piece.length)
    writer.room(piece.length).set(piece)
  }
  return plain(writer.take())
}

/** `undefined`: they are damaged, and the leaves are to be read instead. */
export function decodeNorms({ figures, norms }: StretchBlobs): OrderedNorms | undefined {
  // told here whether they are whole, since nobody expects an error later
  if (norms === null || !isWhole(figures) || !isWhole(norms)) return undefined
  const numbers = numbersIn(figures)
  const [readings, below0, single, lowest, highest] = numbers as unknown as Head
  const column = <T extends Uint32Array | Float64Array>(place: number, room: T): T => {
    for (let i = 0; i < room.length; i++) room[i] = numbers[HEAD + NUMBERS_A_BUCKET * i + place] as number
    return room
  }
  const held = (numbers.length - HEAD) / NUMBERS_A_BUCKET
  const isSingle = single === 1
  const buckets = column(0, new Uint32Array(held))
  const counts = column(1, new Uint32Array(held))
  const inverses = column(2, new Float64Array(held))
  const count = counts.reduce((sum, one) => sum + one, 0)
  const unpack = () => unpackNorms(norms, count, isSingle)
  const bytes = norms.length
  return { readings, below0, isSingle, lowest, highest, buckets, counts, inverses, bytes, unpack }
}

function encodeLosses(blocks: readonly Readings[]): StretchBlobs {
  const sums = new LossMoves()
  for (const block of blocks) sums.add(block)
  const { readings, finite, moves, squares, first, last } = sums
  return { figures: inNumbers([readings, finite, moves, squares, first, last]), norms: null }
}

/** `undefined`: they are damaged. */
export function decodeLosses({ figures }: StretchBlobs): LossSums | undefined {
  if (!isWhole(figures)) return undefined
  const [readings, finite, moves, squares, first, last] = numbersIn(figures) as unknown as Sums
  return { readings, finite, moves, squares, first, last }
}

function unpackNorms(norms: Uint8Array, count: number, isSingle: boolean) {
  const reader = new ByteReader(bytesIn(norms))
  const packed: Uint8Array[] = []
  while (!reader.isAtEnd) packed.push(reader.take(reader.varint()))
  const pieces: Uint8Array[] = []
  const piece = (place: number): Uint8Array =>
    (pieces[place] ??= bytesIn(packed[place] as Uint8Array, Math.min(PIECE, count) * (isSingle ? 4 : 8)))
  return (from: number, to: number): Readings => {
    const room = isSingle ? new Float32Array(to - from) : new Float64Array(to - from)
    for (let at = from; at < to;) {
      const place = Math.floor(at / PIECE)
      const end = Math.min(to, (place + 1) * PIECE)
      readShuffledFrom(piece(place), at - place * PIECE, room.subarray(at - from, end - from))
      at = end
    }
    return room
  }
}
