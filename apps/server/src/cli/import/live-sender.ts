import type { ImportedRun, LiveRun } from '@normwatch/importers'
import type { RunSender } from './send-run.ts'

interface Sent {
  readonly cap: string
  events: number
}

/** Sends runs while their log grows. What the server has from an earlier reading is sent again, which changes nothing. */
export class LiveSender {
  readonly runs = new Map<string, ImportedRun>()
  readonly #sender: RunSender
  readonly #sent = new Map<string, Sent>()

  constructor(sender: RunSender) {
    this.#sender = sender
  }

  async send({ run, resumedFrom }: LiveRun): Promise<void> {
    const cap = JSON.stringify(run.clip ?? null)
    let sent = this.#sent.get(run.id)
    this.runs.set(run.id, run)
    if (sent === undefined || sent.cap !== cap) {
      await this.#sender.begin(run)
      sent = { cap, events: sent?.events ?? 0 }
      this.#sent.set(run.id, sent)
    }
    if (resumedFrom !== undefined) await this.#sender.dropFrom(run.id, resumedFrom)
    if (run.events.length > sent.events) {
      sent.events = run.events.length
      await this.#sender.postEvents(run)
    }
    await this.#sender.post(run.id, run.points)
  }
}
