import type { ImportedRun, LiveRun } from '@normwatch/importers'
import type { PointColumns } from '@normwatch/protocol'
import type { RunSender } from './send-run.ts'

interface Sent {
  /** The server had the points up to this step before. */
  knownTo: number
  cap: string
  events: number
}

/** Sends runs while their log grows; what the server has from an earlier reading is not sent again. */
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
      const before = await this.#sender.begin(run)
      sent = { knownTo: sent?.knownTo ?? before?.last_step ?? -1, cap, events: 0 }
      this.#sent.set(run.id, sent)
    }
    if (resumedFrom !== undefined) {
      await this.#sender.dropFrom(run.id, resumedFrom)
      sent.knownTo = Math.min(sent.knownTo, resumedFrom - 1)
    }
    if (run.events.length > sent.events) {
      sent.events = run.events.length
      await this.#sender.postEvents(run)
    }
    await this.#sender.post(run.id, run.points, rowAfter(run.points, sent.knownTo))
  }
}

function rowAfter({ step }: PointColumns, known: number): number {
  const row = step.findIndex((at) => at > known)
  return row < 0 ? step.length : row
}
