import { InvalidArgumentError } from 'commander'

/** The most that one request of a list gives. */
const MAX_COUNT = 200

/** A whole number from 1 to 200, for `--limit`. */
export function readCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= MAX_COUNT) return count
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_COUNT}.`)
}
