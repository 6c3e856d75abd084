/**
 * How many values directly before index `at` were already as high as the highest one from there on, within `factor`:
 * 0 if the values rose at `at`. For positive numbers.
 */
export function heldBefore(values: ArrayLike<number>, at: number, factor: number): number {
  let highest = -Infinity
  for (let i = at; i < values.length; i++) highest = Math.max(highest, values[i] as number)
  let held = 0
  while (held < at && (values[at - 1 - held] as number) * factor >= highest) held++
  return held
}
