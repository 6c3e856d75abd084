import type { RunLabels } from '@normwatch/importers'
import type { Run } from '@normwatch/protocol'
import type { GivenFile } from './dropped-files.ts'

/** What the page asks the thread that reads logs. */
export interface ImportRequest {
  /** Where the API is. */
  readonly root: string
  readonly files: readonly GivenFile[]
  /** What the runs are called, and the cap that their logs do not say. */
  readonly as?: ImportAs | undefined
}

export interface ImportAs extends Partial<RunLabels> {
  readonly maxNorm?: number
}

/** A run that was imported, in words. */
export interface RunWords {
  readonly id: string
  readonly name: string
  readonly format: string
  readonly points: number
  readonly added: number
  readonly cap: string
  readonly norm: string
  readonly nonfinite: number
  readonly seams: number
  /** The run as the server has it; its health is judged there. */
  readonly state: Run | undefined
  readonly remarks: readonly string[]
}

/** What the thread tells the page. */
export type ImportNews =
  | { readonly type: 'progress'; readonly path: string; readonly bytes: number }
  | {
      readonly type: 'done'
      readonly runs: readonly RunWords[]
      readonly passed: readonly { readonly path: string; readonly reason: string }[]
    }
  | { readonly type: 'failed'; readonly reason: string }
