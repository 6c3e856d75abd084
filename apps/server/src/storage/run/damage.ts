import { StoreUnavailable } from '../store.ts'

/** The stored data differs from what was written. It does not go away by itself. */
export class DataDamaged extends StoreUnavailable {}

/** Points of one run cannot be read; the others can. */
export class DamagedPoints extends DataDamaged {
  readonly step: number | undefined
  constructor({ run, step }: { run?: string; step?: number | undefined }, options?: ErrorOptions) {
    const ofRun = run === undefined ? '' : ` of the run "${run}"`
    const from = step === undefined ? '' : ` from step ${step} on`
    super(`The data file is damaged: points${ofRun}${from} cannot be read.`, options)
    this.step = step
  }
}
