import type { ProjectLimits } from '@normwatch/protocol'

/** What a person typed: empty is no limit. */
export interface LimitEntries {
  readonly runs: string
  readonly points: string
}

/** The limit in an entry, in which digits may be grouped; a sentence if it is none. */
export function readLimit(entry: string): number | null | string {
  const text = entry.replaceAll(/[\s,_]/g, '')
  if (text === '') return null
  const limit = Number(text)
  if (/^\d+$/.test(text) && limit >= 1 && Number.isSafeInteger(limit)) return limit
  return 'A whole number from 1, or nothing for no limit.'
}

export const entriesOf = ({ max_runs, max_points }: ProjectLimits): LimitEntries => ({
  runs: max_runs?.toString() ?? '',
  points: max_points?.toString() ?? '',
})

/** How much of a limit is used; `undefined` without one. */
export function shareOf(held: number, limit: number | null): number | undefined {
  return limit === null ? undefined : held / limit
}
