import { readClip, type ClipField, type RefuseOption } from './settings.ts'
import type { PartOptions } from './types.ts'

/** A part as the run's PATCH declares it. */
interface PartFields {
  clip?: ClipField
  optimizer?: string
}

/** Whether a part may have this name: 1 to 64 characters, no slash and no control character. */
export function isPartName(name: unknown): name is string {
  // eslint-disable-next-line no-control-regex -- control characters are what a name must not have
  return typeof name === 'string' && /^[^/\u0000-\u001f\u007f]{1,64}$/.test(name)
}

/** The fields of a part; an option that cannot be used is refused and left out. */
export function readPart(options: PartOptions, refuse: RefuseOption): PartFields {
  const { optimizer } = options
  const fields: PartFields = {}
  const clip = readClip(cap('maxNorm'), cap('clipValue'), refuse)
  if (clip !== undefined) fields.clip = clip
  if (typeof optimizer === 'string' && optimizer.length <= 128) fields.optimizer = optimizer
  else if (optimizer !== undefined) refuse('optimizer', 'must be a name of at most 128 characters')
  return fields

  function cap(option: 'maxNorm' | 'clipValue'): number | undefined {
    const value: unknown = options[option]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'number' && value > 0) return value
    refuse(option, 'must be a number above 0')
    return undefined
  }
}
