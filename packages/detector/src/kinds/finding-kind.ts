import type { Severity } from '../contract.ts'
import type { CauseName } from '../diagnosis/causes.ts'
import type { SettingsSection } from '../settings/define.ts'

/** What all findings of a kind share, as plain data: the judge, the page, the messages and the docs read it. */
export interface FindingKindRecord {
  readonly severity: Severity
  /** What the docs add to the severity. */
  readonly severityNote?: string
  /** Heading of a message: `Clipping saturated`. */
  readonly title: string
  /** The heading in a run that only logs its norms, where it differs. */
  readonly titleLogOnly?: string
  /** Within a sentence: `clipping is saturated`. */
  readonly condition: string
  /** When it opens and closes, with the default settings: for the docs, in Markdown. */
  readonly opens: string
  readonly closes: string
  /** The causes that can stand behind it; none for a kind that is its own explanation. */
  readonly causes: readonly CauseName[]
  /** What the figures of its evidence are called on the page. */
  readonly figures: Readonly<Record<string, string>>
  readonly settings: SettingsSection
  /** Settings of which the first must not be above the second: they make hysteresis, or bounds. */
  readonly ascending?: readonly (readonly [string, string])[]
}
