import {
  emptyReading,
  end,
  judge,
  newState,
  readingFields,
  verdict,
  type Change,
  type DetectorState,
  type Reading,
  type RunFacts,
  type Settings,
  type Verdict,
} from '@normwatch/detector'
import { metricOf, type MetricColumn, type PointColumns } from '@normwatch/protocol'
import { forEachReading, readingAt } from './readings.ts'

type Field = (typeof readingFields)[number][1]

/** Run-wide readings, used for every part without its own. */
const RUN_WIDE: ReadonlySet<Field> = new Set(['loss', 'lr', 'lossScale'])
/** Readings by which a run with parts is also judged as a whole. */
const OF_GRADIENTS: ReadonlySet<Field> = new Set(['gradNorm', 'clipFraction'])

/** What the store keeps of a part for the detector. */
export interface SavedPart {
  readonly facts: RunFacts
  readonly detector: DetectorState
  /** Fields for which the part has had readings of its own. */
  readonly own: readonly Field[]
}

/**
 * One stream of gradients that is judged separately, by the same function: that of the run (`name` is `null`), or that
 * of one of its parts.
 */
export class JudgedPart {
  readonly name: string | null
  facts: RunFacts
  readonly state: DetectorState
  readonly #own: Set<Field>

  constructor(name: string | null, facts: RunFacts, saved?: Pick<SavedPart, 'detector' | 'own'>) {
    this.name = name
    this.facts = facts
    this.state = saved?.detector ?? newState()
    this.#own = new Set(saved?.own ?? [])
  }

  get saved(): SavedPart {
    return { facts: this.facts, detector: this.state, own: [...this.#own] }
  }

  /**
   * Judges this part's readings of a batch; `note` gets each finding that opens or closes and its time in milliseconds. `isAlone`: the
   * run has no other part.
   */
  fold(
    columns: PointColumns,
    arrivedAt: number,
    settings: Settings,
    isAlone: boolean,
    note: (changes: readonly Change[], at: number) => void,
  ): void {
    const visit = (reading: Reading) => {
      const changes = judge(this.state, reading, this.facts, settings)
      if (changes.length > 0) note(changes, reading.time * 1000)
    }
    if (this.name !== null) this.#forEachOwn(this.name, columns, arrivedAt, visit)
    else if (isAlone) forEachReading(columns, arrivedAt, visit)
    else this.#forEachOfRun(columns, arrivedAt, visit)
  }

  end(status: 'finished' | 'failed' | 'preempted', settings: Settings): readonly Change[] {
    return end(this.state, status, this.facts, settings)
  }

  verdict(settings: Settings): Verdict {
    return verdict(this.state, this.facts, settings)
  }

  /**
   * The readings of a part, steps without any left out. A run-wide reading counts as the part's until it has had one of its
   * own of that field: which of the two holds at a step does not depend on how the steps were cut into batches.
   */
  #forEachOwn(
    part: string,
    { step, time, metrics }: PointColumns,
    arrivedAt: number,
    visit: (reading: Reading) => void,
  ): void {
    const sources: { field: Field; own: MetricColumn | undefined; wide: MetricColumn | undefined }[] = []
    for (const [metric, field] of readingFields) {
      const own = metrics.get(metricOf(metric, part))
      const wide = RUN_WIDE.has(field) ? metrics.get(metric) : undefined
      if (own !== undefined || wide !== undefined) sources.push({ field, own, wide })
    }
    if (sources.length === 0) return
    const reading = emptyReading()
    for (let row = 0; row < step.length; row++) {
      let isEmpty = true
      for (const { field, own, wide } of sources) {
        let value = own && readingAt(own, row)
        if (value !== undefined) {
          if (RUN_WIDE.has(field)) this.#own.add(field)
        } else if (wide !== undefined && !this.#own.has(field)) value = readingAt(wide, row)
        reading[field] = value
        if (value !== undefined) isEmpty = false
      }
      if (isEmpty) continue
      reading.step = step[row] as number
      reading.time = Number.isNaN(time[row]) ? arrivedAt / 1000 : (time[row] as number)
      visit(reading)
    }
  }

  /**
   * The readings of a run with parts: its gradients belong to the parts until it logs its own, so until then only its
   * steps and times are judged here, for the interval by which silence is detected.
   */
  #forEachOfRun(columns: PointColumns, arrivedAt: number, visit: (reading: Reading) => void): void {
    const rhythm = emptyReading()
    forEachReading(columns, arrivedAt, (reading) => {
      for (const field of OF_GRADIENTS) if (reading[field] !== undefined) this.#own.add(field)
      if (this.#own.size > 0) return visit(reading)
      rhythm.step = reading.step
      rhythm.time = reading.time
      visit(rhythm)
    })
  }
}
