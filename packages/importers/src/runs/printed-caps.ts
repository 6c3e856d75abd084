import { settingName } from '../caps/cap-keys.ts'
import type { LogClip } from '../format.ts'
import type { FoundCap, RunDraft } from './run-draft.ts'

/** The caps that a log prints: each is of the training whose rows follow it. */
export class PrintedCaps {
  /** Those of the newest configuration, by part. */
  readonly #caps = new Map<string, FoundCap>()
  /** Whether a row has come since. */
  #isTrained = false
  #newestRun: RunDraft | undefined

  /** Of the settings of one configuration the first stays; the same one printed again before any row is of a new launch. */
  add(clip: LogClip, foundIn: string, part = ''): void {
    if (this.#isTrained) this.#caps.clear()
    this.#isTrained = false
    const before = this.#caps.get(part)
    if (before === undefined || settingName(before.foundIn) === settingName(foundIn))
      this.#caps.set(part, { clip, foundIn })
  }

  /** A row of this run follows what was printed. A run that has a cap keeps it. */
  rowOf(run: RunDraft): void {
    this.#isTrained = true
    this.#newestRun = run
    if (run.hasCap) return
    for (const [part, { clip, foundIn }] of this.#caps) run.cap(clip, foundIn, part)
  }

  /** No row follows: what was printed last is of the run that ends. */
  end(): void {
    if (this.#newestRun !== undefined && !this.#isTrained) this.rowOf(this.#newestRun)
  }
}
