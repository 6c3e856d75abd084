import { CAP, isText, OPTIMIZER, readOptions, type RefuseOption, type Rules } from './options.ts'
import { readClip, type ClipField } from './settings.ts'
import type { PartOptions } from './types.ts'

/** A part as the run's PATCH declares it. */
interface PartFields {
  clip?: ClipField
  optimizer?: string
}

const RULES: Rules<PartOptions> = { maxNorm: CAP, clipValue: CAP, optimizer: OPTIMIZER }

// eslint-disable-next-line no-control-regex -- control characters are what a name must not have
const NO_PART_NAME = /[/\u0000-\u001f\u007f\p{Surrogate}]/u

/** Whether a part may have this name: 1 to 64 characters, no slash, no control character and no half of a surrogate pair. */
export const isPartName = (name: unknown): name is string => isText(1, 64)(name) && !NO_PART_NAME.test(name)

/** The fields of a part; an option that cannot be used is refused and left out. */
export function readPart(options: unknown, refuse: RefuseOption): PartFields {
  const { maxNorm, clipValue, optimizer } = readOptions(options, RULES, refuse)
  const clip = readClip(maxNorm, clipValue, refuse)
  return { ...(clip !== undefined && { clip }), ...(optimizer !== undefined && { optimizer }) }
}
