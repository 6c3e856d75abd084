import type { FindingKind, Severity } from '../contract.ts'
import type { CauseName } from '../diagnosis/causes.ts'
import type { Fold } from '../record/fold.ts'
import type { DetectorState, KindMemories } from '../record/state.ts'
import type { SettingsSection } from '../settings/define.ts'

/** The words for a kind of finding. */
export interface KindWords {
  /** Heading of a message: `Clipping saturated`. */
  readonly title: string
  /** The heading in a run that only logs its norms, where it differs. */
  readonly titleLogOnly?: string
  /** Within a sentence: `clipping is saturated`. */
  readonly condition: string
  /** Labels of its evidence on the page. */
  readonly figures: Readonly<Record<string, string>>
}

/** A kind of finding: its words and settings, which the page, the messages and the docs read too, and how it judges. */
export interface FindingKindRecord extends KindWords {
  /** Its name in the API. */
  readonly name: FindingKind
  readonly severity: Severity
  /** What the docs add to the severity. */
  readonly severityNote?: string
  /** When it opens and closes, with the default settings: for the docs, in Markdown. */
  readonly opens: string
  readonly closes: string
  /** The causes to check for it; none for a kind that explains itself. */
  readonly causes: readonly CauseName[]
  readonly settings: SettingsSection
  /** Settings of which the first must not be above the second: they make hysteresis, or bounds. */
  readonly ascending?: readonly (readonly [string, string])[]
  /** The severity of its open finding, where it is not always the same. */
  readonly severityNow?: (state: DetectorState) => Severity
  readonly judges: KindJudges
  /** Its fields of the state before the first reading: plain JSON of bounded size. */
  readonly memory?: () => Partial<KindMemories>
}

/** What a kind does with the parts of a reading, in the order in which they are taken in. */
export interface KindJudges {
  /** Any reading, a late one too. */
  readonly reading?: (fold: Fold) => void
  /** Whether the optimiser skipped the step: above 0 it did. */
  readonly skipped?: (fold: Fold, skipped: number) => void
  readonly nonfinite?: (fold: Fold, metric: 'grad_norm' | 'loss', value: number) => void
  /** A norm or loss is finite. */
  readonly finite?: (fold: Fold) => void
  /** A finite loss that the running median holds now. */
  readonly loss?: (fold: Fold) => void
  /** A finite norm, on the log scale, before the window holds it. */
  readonly nextNorm?: (fold: Fold, log: number) => void
  /** The same norm once the window holds it; `loss` is that of the same reading. */
  readonly norm?: (fold: Fold, log: number, loss: number | undefined) => void
  /** The same norm, no logarithm, where a cap judges it. */
  readonly cappedNorm?: (fold: Fold, norm: number, cap: number) => void
  /** The window of clipped steps, or that of norms, has moved. */
  readonly clipping?: (fold: Fold) => void
  /** The norm after clipping, in a run that clips by norm. */
  readonly postNorm?: (fold: Fold, postNorm: number, cap: number) => void
  /** The run has ended: no reading will come. */
  readonly end?: (fold: Fold) => void
  readonly silence?: (fold: Fold, silentSeconds: number) => void
}
