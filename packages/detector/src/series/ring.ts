/** The last values of a series, as plain data: once full, `values` is overwritten from `head` on, where the oldest stands. */
export interface Ring {
  head: number
  readonly values: number[]
}

export function newRing(): Ring {
  return { head: 0, values: [] }
}

/** Adds the newest value; the oldest gives way once `capacity` are held. */
export function push(ring: Ring, capacity: number, value: number): void {
  const { values } = ring
  if (values.length < capacity) {
    values.push(value)
    return
  }
  values[ring.head] = value
  ring.head = ring.head + 1 === values.length ? 0 : ring.head + 1
}

/** The value `age` places before the newest (0 is the newest); `age` must be below the number held. */
export function recent(ring: Ring, age: number): number {
  const { values, head } = ring
  const place = head - 1 - age
  return values[place < 0 ? place + values.length : place] as number
}

/** The newest `count` values (or as many as are held), oldest first. */
export function lastOf(ring: Ring, count: number): number[] {
  const held = Math.min(count, ring.values.length)
  return Array.from({ length: held }, (_, i) => recent(ring, held - 1 - i))
}
