import { findingKinds } from '@normwatch/detector'
import { HEALTHS, RUN_STATUSES } from '@normwatch/protocol'
import { InvalidArgumentError, Option } from 'commander'

/** The most that one request of a list gives. */
const MAX_COUNT = 200

/** A whole number from 1 to 200, for `--limit`. */
export function readCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= MAX_COUNT) return count
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_COUNT}.`)
}

export const statusOption = () => new Option('--status <status>', 'that are so').choices([...RUN_STATUSES])
export const healthOption = () => new Option('--health <health>', 'that are so').choices([...HEALTHS])
export const kindOption = () =>
  new Option('--kind <kind>', 'only findings of this kind').choices(Object.keys(findingKinds))
export const stateOption = () => new Option('--state <state>', 'that are so').choices(['open', 'closed'])
