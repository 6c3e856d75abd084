import { formatNamed, type LogFile } from '../read-log.ts'

/** The files of one log, in the order in which they are read. */
export interface FoundLog {
  readonly path: string
  readonly format: string
  readonly files: readonly LogFile[]
  /** Its tool rewrites it as a whole when it grows. */
  readonly isRewritten: boolean
}

/** A file that is not imported, and why. */
export interface Passed {
  readonly path: string
  readonly reason: string
}

/** A file whose format is known. */
export interface KnownFile extends LogFile {
  readonly format: string
  readonly size: number
}

/** Puts the files of one run together, as its format says which they are. */
export function joinFiles(files: readonly KnownFile[], passed: Passed[]): FoundLog[] {
  const groups = Map.groupBy(files, ({ path, format }) => {
    return `${format}\n${formatNamed(format).runOf?.(path) ?? path}`
  })
  return [...groups.values()].map((found) => {
    const group = found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
    const { path, format } = group[0] as KnownFile
    const { longestHoldsAll, isRewritten } = formatNamed(format)
    const kept = longestHoldsAll ? [group.reduce((a, b) => (b.size > a.size ? b : a))] : group
    for (const file of group)
      if (!kept.includes(file))
        passed.push({ path: file.path, reason: 'A longer file of the same run holds all of it.' })
    return { path: kept[0]?.path ?? path, format, files: kept, isRewritten: isRewritten === true }
  })
}
