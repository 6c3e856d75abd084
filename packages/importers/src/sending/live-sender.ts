import type { ImportedRun } from '../runs/imported-run.ts'
import type { LiveRun } from '../runs/log-draft.ts'
import type { RunSender } from './run-sender.ts'

interface Sent {
  readonly cap: string
  readonly isNew: boolean
  events: number
  /** Points that were sent and that the server did not have. */
  added: number
  /** What the server has of the run from before, as long as no more than that was read. */
  known: Known | undefined
}

/** The points that the server has of a run, and how many of them were met in the log. */
interface Known {
  readonly lastStep: number
  readonly points: number
  met: number
  newest: number
}

/** What the server has of a run is not the beginning of its log: it has to be sent from the beginning. */
export class OtherBeginning extends Error {
  override readonly name = 'OtherBeginning'
}

/**
 * Sends runs while their log is read. What the server has from an earlier reading is not sent again: as many points up to the
 * same step are the same points.
 */
export class LiveSender {
  readonly runs = new Map<string, ImportedRun>()
  readonly #sender: RunSender
  /** Whether all is sent, also what the server seems to have. */
  readonly #sendsAll: boolean
  readonly #sent = new Map<string, Sent>()
  #posting: Promise<void> = Promise.resolve()

  constructor(sender: RunSender, sendsAll = false) {
    this.#sender = sender
    this.#sendsAll = sendsAll
  }

  /** Sends what was read of a run, and resolves when the server has it. Throws `OtherBeginning`. */
  async send(live: LiveRun): Promise<void> {
    await this.queue(live)
    await this.#posting
  }

  /** The same, but resolves while the points still travel, so that the log is read on meanwhile. One request travels at a time. */
  async queue({ run, resumedFrom }: LiveRun): Promise<void> {
    await this.#posting
    const cap = JSON.stringify(run.clip ?? null)
    let sent = this.#sent.get(run.id)
    this.runs.set(run.id, run)
    if (sent === undefined || sent.cap !== cap) {
      const before = await this.#sender.begin(run)
      const isKnown = sent === undefined && !this.#sendsAll && (before?.points ?? 0) > 0
      const known = isKnown
        ? { lastStep: before?.last_step ?? -1, points: before?.points ?? 0, met: 0, newest: -1 }
        : sent?.known
      sent = {
        cap,
        isNew: sent?.isNew ?? before === undefined,
        events: sent?.events ?? 0,
        added: sent?.added ?? 0,
        known,
      }
      this.#sent.set(run.id, sent)
    }
    if (sent.known !== undefined) {
      if (resumedFrom !== undefined) throw new OtherBeginning()
      if (isKnownAlready(sent.known, run.points.step)) return
      sent.added -= run.points.step.findLastIndex((step) => step <= (sent.known?.lastStep ?? -1)) + 1
      sent.known = undefined
    }
    if (resumedFrom !== undefined) await this.#sender.dropFrom(run.id, resumedFrom)
    if (run.events.length > sent.events) {
      sent.events = run.events.length
      await this.#sender.postEvents(run)
    }
    sent.added += run.points.step.length
    this.#posting = this.#sender.post(run.id, run.points)
    // whoever waits for it next is told
    this.#posting.catch(() => {})
  }

  /** Points of a run that the server did not have. */
  addedTo(run: string): number {
    return this.#sent.get(run)?.added ?? 0
  }

  /** Ends a run whose log has been read to its end; its notes are those of the whole log. */
  async finish(run: ImportedRun): Promise<void> {
    await this.#posting
    await this.#sender.begin(run)
    await this.#sender.finish(run.id)
  }

  /** Removes the runs that this import has made, as their log turned out to be broken. */
  async undo(): Promise<void> {
    await this.#posting.catch(() => {})
    for (const [id, { isNew }] of this.#sent) if (isNew) await this.#sender.remove(id)
  }
}

/**
 * Whether the server has all of these steps. Those in which its last one comes are sent again: of that one it may lack what
 * stands further on in the log.
 */
function isKnownAlready(known: Known, step: Float64Array): boolean {
  for (const at of step) {
    // what is added to a step that was met is not another point
    if (at > known.newest && at <= known.lastStep) known.met++
    known.newest = Math.max(known.newest, at)
  }
  if (known.newest < known.lastStep) return true
  if (known.met !== known.points) throw new OtherBeginning()
  return false
}
