import {
  LAYER_PREFIX,
  MAX_LAYERS_PER_RUN,
  MAX_METRICS_PER_RUN,
  MAX_METRIC_NAME_LENGTH,
  MAX_STEP,
  WELL_KNOWN_METRICS,
  type Clip,
  type PointColumns,
} from '@normwatch/protocol'
import { otherClipNote } from '../caps/clip-kind.ts'
import { LogRefused, type LogClip, type ReadOptions, type Readings } from '../format.ts'
import type { ImportedEvent, ImportedRun } from './imported-run.ts'
import { isNorm, nameMetrics, type Naming } from './metric-naming.ts'
import { normNameOf } from './norm-name.ts'
import { measureOf, NEGATIVE_NORMS, soundCap, type Measure } from './sound-reading.ts'
import { NO_POINTS, Rows, toColumns, type Seam } from './rows.ts'
import { StepHistory } from './step-history.ts'

/** Events kept of one run: the server keeps no more. */
const MAX_EVENTS_PER_RUN = 10_000
const MAX_NOTES = 100
/** Rows in which one that is written twice, by two processes for example, is known again. */
const RECENT_ROWS = 64
/** Steps of a run whose series are read apart: they lie in memory until all are read. */
const MAX_STEPS_APART = 500_000
const KNOWN: ReadonlySet<string> = new Set(WELL_KNOWN_METRICS)

type Row = readonly (readonly [name: string, value: number])[]

export interface FoundCap {
  readonly clip: LogClip
  readonly foundIn: string
}

interface RecentRow {
  readonly step: number
  readonly time: number
  readonly row: Row
}

/** How a row relates to those before it. `restart`: the training started over, and the row belongs to another run. */
export type Placed = 'added' | 'passed' | 'restart'

/**
 * Collects one run's rows in the order in which the log has them. Where the step goes back to one that the run has had,
 * the training went on from there: what came before from that step on is dropped, as the training dropped it.
 * Excerpts out of order that repeat nothing are only sorted.
 */
export class RunDraft {
  name: string | undefined
  /** The run's own id in its log, where it has one. */
  readonly ownId: string | undefined
  readonly seams: Seam[] = []
  readonly #events: ImportedEvent[] = []
  readonly #notes = new Set<string>()
  readonly #names = new Map<string, Measure>()
  readonly #refused = new Set<string>()
  readonly #config: Record<string, unknown> = {}
  readonly #caps = new Map<string, FoundCap>()
  readonly #history = new StepHistory()
  /** The newest rows, the oldest of them overwritten first. */
  readonly #recent: RecentRow[] = []
  readonly #rows = new Rows()
  readonly #apart = new Map<number, { time: number; readonly readings: Map<string, number> }>()
  readonly #options: ReadOptions
  #layers = 0
  #wentBack = false
  #isContinued = false
  #newest = -1
  #rowCount = 0
  /** Rows that add to a step which has one. */
  #lateRows = 0
  #places = 0
  #drained = 0
  #naming: Naming | undefined
  #seamsDrained = 0
  #nonfinite = new Map<string, number>()

  constructor(options: ReadOptions, ownId?: string) {
    this.#options = options
    this.ownId = ownId
  }

  get isEmpty(): boolean {
    return this.#rowCount === 0
  }

  /** Readings that lie in memory now. */
  get readings(): number {
    return this.#rows.readings + this.#rows.step.length
  }

  add(step: number, time: number, readings: Readings): Placed {
    if (!Number.isInteger(step) || step < 0 || step > MAX_STEP) return 'passed'
    let row: Row = Array.isArray(readings) ? readings : [...readings]
    if (!this.#areAccepted(row)) row = row.filter(([name]) => this.#accepts(name))
    row = this.#sound(row)
    if (row.length === 0) return 'passed'
    if (step === this.#newest) {
      if (this.#isOtherAttempt(step, row)) return 'restart'
      // the row itself may have been sent: what is added to it goes after it
      if (this.#rows.step.length === 0) return this.#addLate(step, time, row)
      this.#put(row)
      return 'added'
    }
    if (step < this.#newest) {
      const before = this.#recentOf(step)
      if (before !== undefined && Object.is(before.time, time) && isSame(before.row, row)) return 'passed'
      // other metrics of a step that came a little late, such as those of an evaluation
      if (before !== undefined && !shareNames(before.row, row)) return this.#addLate(step, time, row)
      if (!this.#wentBack && !this.#isContinued && this.#history.isStart(step)) return 'restart'
      this.#wentBack = true
    } else if (step > this.#history.largest) this.#wentBack = false
    if (this.#wentBack && this.#history.has(step)) {
      this.#wentBack = false
      this.seams.push({ row: this.#rowCount, step })
      this.event(step, `resumed at step ${step}`)
    }
    if (this.#isContinued && this.#events.at(-1)?.step !== step) this.event(step, `resumed at step ${step}`)
    this.#isContinued = false
    this.#rows.step.push(step)
    this.#rows.time.push(time)
    this.#rowCount++
    this.#newest = step
    this.#history.add(step)
    this.#recent[this.#places++ % RECENT_ROWS] = { step, time, row }
    this.#put(row)
    return 'added'
  }

  /** `add` for a row of one reading, which most often belongs to the newest step. */
  addReading(step: number, time: number, name: string, value: number): Placed {
    const joinsNewest = step === this.#newest && this.#rowCount > 1 && this.#rows.step.length > 0
    if (!joinsNewest || !(value > 0) || !this.#names.has(name)) return this.add(step, time, [[name, value]])
    this.#putReading(name, value)
    return 'added'
  }

  /** See `RunWriter.put`. */
  put(step: number, time: number, name: string, value: number): void {
    if (!Number.isInteger(step) || step < 0 || step > MAX_STEP || !this.#accepts(name)) return
    let row = this.#apart.get(step)
    if (row === undefined) {
      if (this.#apart.size === MAX_STEPS_APART)
        throw new LogRefused(`This format is read whole, and the run has more than ${MAX_STEPS_APART} steps.`)
      row = { time, readings: new Map() }
      this.#apart.set(step, row)
    }
    row.readings.set(name, value)
    if (Number.isNaN(row.time)) row.time = time
  }

  /** Makes rows of what was put. */
  settle(): void {
    const steps = [...this.#apart.keys()].sort((a, b) => a - b)
    for (const step of steps) {
      const { time, readings } = this.#apart.get(step) as { time: number; readings: Map<string, number> }
      this.add(step, time, readings)
    }
    this.#apart.clear()
  }

  config(settings: Readonly<Record<string, unknown>>): void {
    Object.assign(this.#config, settings)
  }

  /** The first cap found stays. */
  cap(clip: LogClip, foundIn: string, part = ''): void {
    if (!this.#caps.has(part)) this.#caps.set(part, { clip, foundIn })
  }

  get hasCap(): boolean {
    return this.#caps.size > 0
  }

  event(step: number, label: string): void {
    if (this.#events.length < MAX_EVENTS_PER_RUN) this.#events.push({ step, label })
  }

  note(sentence: string): void {
    if (this.#notes.size < MAX_NOTES) this.#notes.add(sentence)
  }

  /** Another file of the same run follows: what it adds was resumed there. */
  continued(): void {
    this.#isContinued = !this.isEmpty
  }

  /** The earliest step of a resume since the last call; what was drained before is lost from there on. */
  takeResume(): number | undefined {
    const seams = this.seams.slice(this.#seamsDrained)
    this.#seamsDrained = this.seams.length
    return seams.length === 0 ? undefined : Math.min(...seams.map(({ step }) => step))
  }

  /** The rows since the last call, and lets them go. */
  drain(): PointColumns {
    this.#naming = this.#currentNaming()
    const columns = toColumns(this.#rows, this.#drained, this.seams, this.#nameOf(this.#naming))
    this.#drained = this.#rowCount
    this.#rows.clear()
    return columns
  }

  /** The run as read; its points are those not yet drained. */
  finish(id: string, name: string, format: string): ImportedRun {
    const naming = this.#currentNaming()
    const points =
      this.#rows.step.length === 0
        ? NO_POINTS
        : toColumns(this.#rows, this.#drained, this.seams, this.#nameOf(naming))
    const notes = [...this.#notes, ...this.#closingNotes(naming)]
    const cap = this.#capOf('')
    const count = (ours: string): number =>
      [...this.#nonfinite].reduce((sum, [name, n]) => {
        const final = naming.final.get(name) ?? name
        return final === ours || final.startsWith(`${ours}/`) ? sum + n : sum
      }, 0)
    return {
      id,
      name: this.name ?? name,
      format,
      ...(cap === undefined ? {} : { clip: cap.clip, capFoundIn: cap.foundIn }),
      ...(naming.norm === undefined ? {} : { norm: naming.norm }),
      otherNorms: naming.otherNorms,
      parts: naming.parts.map((part) => {
        // beside a norm of the whole its cap is not that of a part
        const own = this.#caps.has(part) ? this.#capOf(part) : naming.norm === undefined ? cap : undefined
        const clip = own?.clip
        return { name: part, ...(clip === undefined ? {} : { clip }) }
      }),
      layers: [...this.#names.keys()]
        .map((metric) => naming.final.get(metric) ?? metric)
        .filter((metric) => metric.startsWith(LAYER_PREFIX))
        .map((metric) => metric.slice(LAYER_PREFIX.length)),
      points,
      rows: this.#rowCount - this.#lateRows,
      firstStep: this.isEmpty ? undefined : this.#history.smallest,
      lastStep: this.isEmpty ? undefined : this.#history.largest,
      events: this.#events,
      nonfinite: { grad_norm: count('grad_norm'), loss: count('loss') },
      config: this.#config,
      notes,
    }
  }

  /** The cap of a part, or of the run (''), where its training clips as Normwatch knows it. */
  #capOf(part: string): { readonly clip: Clip; readonly foundIn: string } | undefined {
    const { clip, foundIn } = this.#caps.get(part) ?? {}
    return clip === undefined || foundIn === undefined || clip.mode === 'other'
      ? undefined
      : { clip, foundIn }
  }

  #addLate(step: number, time: number, row: Row): Placed {
    this.#rows.step.push(step)
    this.#rows.time.push(time)
    this.#rowCount++
    this.#lateRows++
    this.#put(row)
    return 'added'
  }

  #recentOf(step: number): RecentRow | undefined {
    for (let i = 1; i <= this.#recent.length; i++) {
      const recent = this.#recent[(this.#places - i) % RECENT_ROWS]
      if (recent?.step === step) return recent
    }
    return undefined
  }

  #put(row: Row): void {
    for (let i = 0; i < row.length; i++) {
      const [name, value] = row[i] as Row[number]
      this.#putReading(name, value)
    }
  }

  #putReading(name: string, value: number): void {
    if (!Number.isFinite(value)) this.#nonfinite.set(name, (this.#nonfinite.get(name) ?? 0) + 1)
    this.#rows.put(name, value)
  }

  /** Two rows of one step add up, unless the run has only this step and a norm or loss differs: then it began again. */
  #isOtherAttempt(step: number, row: Row): boolean {
    if (this.#rowCount !== 1 || !this.#history.isStart(step)) return false
    return row.some(([name, value]) => {
      if (!isNorm(name) && !/loss$/.test(name)) return false
      const before = this.#rows.newest(name)
      return before !== undefined && !Object.is(before, value)
    })
  }

  /** The row with caps as the server takes them, and NaN for norms that cannot be. */
  #sound(row: Row): Row {
    const isSound = ([name, value]: Row[number]): boolean => value > 0 || this.#names.get(name) === 'other'
    if (row.every(isSound)) return row
    return row.flatMap(([name, value]): Row => {
      const measure = this.#names.get(name)
      if (measure === 'norm' && value < 0) {
        this.note(NEGATIVE_NORMS)
        return [[name, NaN]]
      }
      const sound = measure === 'cap' ? soundCap(value) : value
      return sound === undefined ? [] : [[name, sound]]
    })
  }

  #areAccepted(row: Row): boolean {
    for (let i = 0; i < row.length; i++) if (!this.#accepts((row[i] as Row[number])[0])) return false
    return true
  }

  #accepts(name: string): boolean {
    if (this.#names.has(name)) return true
    const isLayer = name.startsWith(LAYER_PREFIX)
    // the metrics that Normwatch knows, and norms under other names, always find room
    const room =
      MAX_METRICS_PER_RUN - (KNOWN.has(name) || normNameOf(name) !== undefined ? 0 : KNOWN.size + 20)
    const fits = isLayer ? this.#layers < MAX_LAYERS_PER_RUN : this.#names.size - this.#layers < room
    const bare = isLayer ? name.slice(LAYER_PREFIX.length) : name
    if (bare.length === 0 || bare.length > MAX_METRIC_NAME_LENGTH || hasControl(bare) || !fits) {
      if (this.#refused.size < 10_000) this.#refused.add(name)
      return false
    }
    if (isLayer) this.#layers++
    this.#names.set(name, measureOf(name, this.#options))
    return true
  }

  /** Names once given stay, so that what was sent before and what comes after is one series. */
  #currentNaming(): Naming {
    const naming = nameMetrics([...this.#names.keys()], this.#options, (a, b) =>
      // what was let go cannot be compared
      this.#drained > 0 ? true : this.#rows.share(a, b),
    )
    if (this.#naming === undefined) return naming
    const taken = new Set(this.#naming.final.values())
    const final = new Map(this.#naming.final)
    for (const [name, ours] of naming.final) if (!final.has(name) && !taken.has(ours)) final.set(name, ours)
    return { ...this.#naming, final }
  }

  #nameOf({ final }: Naming): (name: string) => string {
    const taken = new Set(final.values())
    // a metric whose own name was given to another keeps its readings under a longer one
    return (name) => final.get(name) ?? (taken.has(name) ? `${name} (log)` : name)
  }

  #closingNotes(naming: Naming): string[] {
    const notes: string[] = []
    if (this.seams.length > 0)
      notes.push(
        `The step goes back and repeats ${this.seams.length} ${this.seams.length === 1 ? 'time' : 'times'}: resumed. Points of the attempt before were dropped from there on.`,
      )
    if (naming.norm === undefined && naming.parts.length === 0) notes.push(withoutNorm(naming))
    if (naming.capOfSteps !== undefined)
      notes.push(`The cap of each step is what the log has as ${naming.capOfSteps}.`)
    for (const { clip, foundIn } of this.#caps.values())
      if (clip.mode === 'other') notes.push(otherClipNote(clip.by, foundIn))
    if (this.#refused.size > 0)
      notes.push(
        `${this.#refused.size} metrics were left out: a run keeps at most ${MAX_METRICS_PER_RUN}, with names of at most ${MAX_METRIC_NAME_LENGTH} characters.`,
      )
    return notes
  }
}

function isSame(a: Row, b: Row): boolean {
  return (
    a.length === b.length && a.every(([name, value], i) => name === b[i]?.[0] && Object.is(value, b[i]?.[1]))
  )
}

function shareNames(a: Row, b: Row): boolean {
  return a.some(([name]) => b.some(([other]) => other === name))
}

/** Why a log has no norm that is judged, and what `--norm` may take. */
function withoutNorm({ final, otherNorms, rejected }: Naming): string {
  if (otherNorms.length > 0)
    return `This log has ${otherNorms.length} norms and none is of the whole: choose one with --norm.`
  const after = [...final].filter(([, ours]) => ours === 'post_norm' || ours.startsWith('post_norm/'))
  const none = `This log has no gradient norms${after.length > 0 ? ' from before clipping' : ''}`
  const named = [...after.map(([name]) => name), ...rejected].filter((name) => !name.startsWith('post_norm'))
  if (named.length === 0) return `${none}.`
  return `${none}. By their names these are something else, and --norm takes one all the same: ${named.slice(0, 8).join(', ')}.`
}

function hasControl(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return /[\u0000-\u001f\u007f]/.test(text)
}
