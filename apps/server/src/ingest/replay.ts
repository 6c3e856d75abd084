import { pauses } from '../in-slices.ts'
import { StoreUnavailable, type Store, type StoredFinding, type StoredRun } from '../storage/store.ts'
import { ActiveRun, type Outcome } from './active-run.ts'
import { slices } from './readings.ts'
import type { SettingsInForce } from './run-settings.ts'

/** Judges a run's record in the background, in step order and in slices that let other work through. */
export class Replay {
  readonly judged: ActiveRun
  readonly #store: Store
  readonly #episodes = new Map<string, StoredFinding>()
  #next = 0

  constructor(store: Store, run: StoredRun, inForce: SettingsInForce) {
    this.#store = store
    this.judged = new ActiveRun({ ...run, status: 'running' }, undefined, [], inForce)
  }

  /** Judges the next steps; returns how many there were. Throws `StoreUnavailable` once `stopping` is aborted. */
  async catchUp(stopping?: AbortSignal): Promise<number> {
    const pause = pauses()
    let count = 0
    for await (const block of this.#store.points.read(this.judged.id, { from: this.#next })) {
      if (stopping?.aborted === true) throw new StoreUnavailable('The server is stopping.')
      const { step } = block
      if (step.length === 0) continue
      for (const part of slices(block)) {
        this.#remember(this.judged.fold(part, 0))
        await pause()
      }
      this.#next = (step[step.length - 1] as number) + 1
      count += step.length
    }
    return count
  }

  /** Ends the record as the run ended, or stalls it where `stalled`; returns its findings, oldest first. */
  finish(run: StoredRun, stalled: boolean, now: number): StoredFinding[] {
    const outcome: Outcome = { changes: [], findings: [] }
    if (run.status !== 'running') {
      this.judged.end(run.status, run.ended_at ?? now, outcome)
    } else if (stalled) {
      this.judged.silence((now - run.last_arrival) / 1000, now, outcome)
    }
    this.judged.refreshJudgement()
    this.#remember(outcome)
    return [...this.#episodes.values()]
  }

  #remember({ findings }: Outcome): void {
    for (const finding of findings) this.#episodes.set(finding.id, finding)
  }
}
