import {
  LogRefused,
  type LogClip,
  type LogWriter,
  type ReadOptions,
  type Readings,
  type RunWriter,
} from '../format.ts'
import type { ImportedRun } from './imported-run.ts'
import { PrintedCaps } from './printed-caps.ts'
import { RunDraft, type Placed } from './run-draft.ts'
import { stableId } from './stable-id.ts'

/** Runs of one log; more is a sign that its steps are misread. */
const MAX_RUNS = 10_000

/** What was read of a run since the last call. */
export interface LiveRun {
  readonly run: ImportedRun
  /** The step from which on all that came before is lost, where the training was resumed. */
  readonly resumedFrom: number | undefined
}

/** Collects the runs of a log, or of several files of one run. */
export class LogDraft implements LogWriter {
  readonly options: ReadOptions
  readonly runs: RunDraft[] = []
  readonly caps = new PrintedCaps()
  readonly #byId = new Map<string, Attempts>()
  readonly #byName = new Map<string, Attempts>()
  readonly #notes = new Set<string>()
  #current: Attempts | undefined

  constructor(options: ReadOptions) {
    this.options = options
  }

  run(id?: string): RunWriter {
    if (id === undefined) return (this.#current ??= new Attempts(this, undefined))
    let run = this.#byId.get(id)
    if (run === undefined) {
      run = new Attempts(this, id)
      this.#byId.set(id, run)
    }
    this.#current = run
    return run
  }

  runNamed(name: string): RunWriter {
    let run = this.#byName.get(name)
    if (run === undefined) {
      run = new Attempts(this, undefined, name)
      this.#byName.set(name, run)
    }
    return run
  }

  nextRun(): RunWriter {
    this.#current = new Attempts(this, undefined)
    return this.#current
  }

  cap(clip: LogClip, foundIn: string, part?: string): void {
    this.caps.add(clip, foundIn, part)
  }

  note(sentence: string): void {
    this.#notes.add(sentence)
  }

  /** Another file of the same runs follows. */
  continued(): void {
    for (const run of this.runs) run.continued()
    this.#current = undefined
  }

  start(ownId: string | undefined): RunDraft {
    if (this.runs.length === MAX_RUNS)
      throw new LogRefused(`The step goes back to the start more than ${MAX_RUNS} times: is it the step?`)
    const run = new RunDraft(this.options, ownId)
    this.runs.push(run)
    return run
  }

  get readings(): number {
    return this.runs.reduce((sum, { readings }) => sum + readings, 0)
  }

  /** Makes rows of series that were read apart, when all are read. */
  settle(): void {
    for (const run of this.runs) run.settle()
  }

  /** The runs that have rows since the last call, with these as their points. */
  drain(name: string, identity: string, format: string): LiveRun[] {
    return this.#filled().flatMap((run, i) => {
      if (run.readings === 0) return []
      const points = run.drain()
      const resumedFrom = run.takeResume()
      return [{ run: { ...this.#finished(run, i, name, identity, format), points }, resumedFrom }]
    })
  }

  /** The runs that have points. `name` is the file's; `identity` what makes this file this one. */
  finish(name: string, identity: string, format: string): ImportedRun[] {
    this.caps.end()
    return this.#filled().map((run, i) => this.#finished(run, i, name, identity, format))
  }

  #filled(): RunDraft[] {
    return this.runs.filter(({ isEmpty }) => !isEmpty)
  }

  #finished(run: RunDraft, i: number, name: string, identity: string, format: string): ImportedRun {
    for (const note of this.#notes) run.note(note)
    const { maxNorm } = this.options
    const own = run.ownId
    // the first keeps its id when a log that has grown turns out to hold more
    const nth = i > 0 && own === undefined ? ` (${i + 1})` : ''
    const id = stableId(own ?? `${name}${nth}`, own === undefined ? `${identity}\n${i}` : `${format}\n${own}`)
    const imported = run.finish(id, `${name}${nth}`, format)
    if (maxNorm === undefined) return imported
    const clip = { mode: 'norm', max_norm: maxNorm } as const
    // beside a norm of the whole its cap is not that of a part
    const parts =
      imported.norm === undefined ? imported.parts.map((part) => ({ ...part, clip })) : imported.parts
    return { ...imported, clip, capFoundIn: '--max-norm', parts }
  }
}

/** One run's writer: if the steps restart, the following rows go to a new run. */
class Attempts implements RunWriter {
  readonly #log: LogDraft
  readonly #ownId: string | undefined
  readonly #name: string | undefined
  #draft: RunDraft | undefined
  #attempts = 0

  constructor(log: LogDraft, ownId: string | undefined, name?: string) {
    this.#log = log
    this.#ownId = ownId
    this.#name = name
  }

  add(step: number, time: number, readings: Readings): void {
    const row = Array.isArray(readings) ? readings : [...readings]
    this.#place((run) => run.add(step, time, row))
  }

  addReading(step: number, time: number, name: string, value: number): void {
    this.#place((run) => run.addReading(step, time, name, value))
  }

  put(step: number, time: number, name: string, value: number): void {
    const run = this.#run()
    run.put(step, time, name, value)
    this.#log.caps.rowOf(run)
  }

  config(settings: Readonly<Record<string, unknown>>): void {
    this.#run().config(settings)
  }

  named(name: string): void {
    this.#run().name = name
  }

  cap(clip: LogClip, foundIn: string, part?: string): void {
    this.#run().cap(clip, foundIn, part)
  }

  event(step: number, label: string): void {
    this.#run().event(step, label)
  }

  /** Adds a row to the run, or to a new one where it restarts the training. */
  #place(add: (run: RunDraft) => Placed): void {
    let placed = add(this.#run())
    if (placed === 'restart') {
      this.#draft = undefined
      placed = add(this.#run())
    }
    if (placed === 'added') this.#log.caps.rowOf(this.#run())
  }

  #run(): RunDraft {
    if (this.#draft !== undefined) return this.#draft
    this.#attempts++
    const id =
      this.#ownId === undefined || this.#attempts === 1 ? this.#ownId : `${this.#ownId}-${this.#attempts}`
    this.#draft = this.#log.start(id)
    this.#draft.name = this.#name
    return this.#draft
  }
}
