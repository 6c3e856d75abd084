import type { InSlices } from './in-slices.ts'
import { DOUBLES, highWord, SINGLES, wordsOf, type Form, type Numbers } from './norm-buckets.ts'
import { valueAtRank } from './value-at-rank.ts'

/** A bucket has so many parts, by the bits behind those that name it. */
const PART_BITS = 9
const PARTS = 1 << PART_BITS
/** Norms looked at in one slice. */
const SLICE = 2 ** 18

/** The norms that stand at these ranks, from 0 and ascending, in the ascending order of norms that are all of one bucket. */
export function* normsAtRanks(norms: Numbers, ranks: readonly number[]): InSlices<number[]> {
  const form = norms instanceof Float32Array ? SINGLES : DOUBLES
  const counts = new Uint32Array(PARTS)
  for (let from = 0; from < norms.length; from += SLICE) {
    countParts(norms.subarray(from, from + SLICE), form, counts)
    yield
  }
  let [part, start] = [0, 0]
  let here: Numbers | undefined
  const found: number[] = []
  for (const rank of ranks) {
    while (start + (counts[part] as number) <= rank) {
      start += counts[part++] as number
      here = undefined
    }
    here ??= yield* normsOfPart(norms, form, part, counts[part] as number)
    found.push(yield* valueAtRank(here, rank - start))
  }
  return found
}

function countParts(norms: Numbers, { width, shift }: Form, counts: Uint32Array): void {
  const words = wordsOf(norms)
  for (let at = highWord(width); at < words.length; at += width) {
    const part = ((words[at] as number) >>> (shift - PART_BITS)) % PARTS
    counts[part] = (counts[part] as number) + 1
  }
}

function* normsOfPart(norms: Numbers, form: Form, part: number, count: number): InSlices<Numbers> {
  const room = norms instanceof Float32Array ? new Float32Array(count) : new Float64Array(count)
  let found = 0
  for (let from = 0; from < norms.length; from += SLICE) {
    found = collectPart(norms.subarray(from, from + SLICE), form, part, room, found)
    yield
  }
  return room
}

/** Puts the norms of this part behind those that were found; gives how many there are now. */
function collectPart(
  norms: Numbers,
  { width, shift }: Form,
  part: number,
  room: Numbers,
  before: number,
): number {
  const words = wordsOf(norms)
  let found = before
  for (let i = 0, at = highWord(width); i < norms.length; i++, at += width) {
    if (((words[at] as number) >>> (shift - PART_BITS)) % PARTS !== part) continue
    room[found++] = norms[i] as number
  }
  return found
}
