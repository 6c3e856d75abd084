/** The last values of a series that repeats itself, as plain data: each value once, and how often it came in a row; oldest first. */
export interface Repeats {
  readonly values: number[]
  readonly counts: number[]
  held: number
}

export function newRepeats(): Repeats {
  return { values: [], counts: [], held: 0 }
}

/** Adds the newest value. At most `capacity` values in at most `rows` rows are held: the oldest give way. */
export function pushRepeat(repeats: Repeats, capacity: number, rows: number, value: number): void {
  const { values, counts } = repeats
  const newest = values.length - 1
  // Full of one value, which comes once more.
  if (newest === 0 && repeats.held === capacity && values[0] === value) return
  if (values[newest] === value) counts[newest] = (counts[newest] as number) + 1
  else {
    values.push(value)
    counts.push(1)
  }
  repeats.held++
  if (repeats.held > capacity) shorten(repeats, 1)
  if (values.length > rows) shorten(repeats, counts[0] as number)
}

/** The newest `count` values (or as many as are held), oldest first. */
export function lastRepeats(repeats: Repeats, count: number): number[] {
  const all = repeats.values.flatMap((value, i) => Array<number>(repeats.counts[i] as number).fill(value))
  return all.slice(Math.max(0, all.length - count))
}

function shorten(repeats: Repeats, by: number): void {
  const { values, counts } = repeats
  repeats.held -= by
  counts[0] = (counts[0] as number) - by
  if (counts[0] > 0) return
  values.shift()
  counts.shift()
}
