import type { ImportedRun } from '../runs/imported-run.ts'
import type { LiveRun } from '../runs/log-draft.ts'
import type { RunSender } from './run-sender.ts'

interface Sent {
  readonly cap: string
  readonly isNew: boolean
  events: number
}

/** Sends runs while their log is read. What the server has from an earlier reading is sent again, which changes nothing. */
export class LiveSender {
  readonly runs = new Map<string, ImportedRun>()
  readonly #sender: RunSender
  readonly #sent = new Map<string, Sent>()
  #posting: Promise<void> = Promise.resolve()

  constructor(sender: RunSender) {
    this.#sender = sender
  }

  /** Sends what was read of a run, and resolves when the server has it. */
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
      sent = { cap, isNew: sent?.isNew ?? before === undefined, events: sent?.events ?? 0 }
      this.#sent.set(run.id, sent)
    }
    if (resumedFrom !== undefined) await this.#sender.dropFrom(run.id, resumedFrom)
    if (run.events.length > sent.events) {
      sent.events = run.events.length
      await this.#sender.postEvents(run)
    }
    this.#posting = this.#sender.post(run.id, run.points)
    // whoever waits for it next is told
    this.#posting.catch(() => {})
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
