import { LAYER_PREFIX, type MetricColumn, type PointColumns } from './columns.ts'
import type { ErrorDetail } from './errors.ts'
import {
  MAX_METRIC_NAME_LENGTH,
  MAX_POINTS_PER_REQUEST,
  MAX_READINGS_PER_REQUEST,
  MAX_STEP,
  MAX_TIME,
} from './limits.ts'
import { decodeNumber } from './numbers.ts'
import { ascending } from './order-rows.ts'
import { partMetric } from './parts.ts'

/** The result of parsing a body of points: its columns, or why it is refused. */
export type ParsedPoints =
  | { readonly ok: true; readonly columns: PointColumns }
  | {
      readonly ok: false
      /** Over the bound on points. */
      readonly tooMany: boolean
      /** Over the bound on readings. */
      readonly tooManyReadings?: true
      readonly details: ErrorDetail[]
    }

/** Faults named in one refusal. */
const MAX_DETAILS = 20

/**
 * Reads the body of `POST …/points`, rows or columns. Nothing is repaired and nothing is skipped: one fault refuses
 * the whole body. Steps come out ascending and unique; of a step that stands twice the later readings win.
 */
export function parsePoints(body: unknown): ParsedPoints {
  const parsing = parsingPoints(body)
  for (;;) {
    const { done, value } = parsing.next()
    if (done === true) return value
  }
}

/** The same, with a `yield` wherever it may be interrupted: about every millisecond. */
export function* parsingPoints(body: unknown): Generator<undefined, ParsedPoints> {
  const faults = new Faults()
  if (!isObject(body)) return faults.refuse('', 'must be an object with "points" or "columns"')
  const keys = Object.keys(body)
  if (keys.length !== 1 || (keys[0] !== 'points' && keys[0] !== 'columns')) {
    return faults.refuse('', 'must hold exactly one field: "points" (rows) or "columns"')
  }
  let draft: PointColumns | undefined
  try {
    draft = yield* keys[0] === 'points'
      ? readRows(body['points'], faults)
      : readColumns(body['columns'], faults)
  } catch (error) {
    if (!(error instanceof TooManyReadings)) throw error
  }
  if (draft === undefined || faults.details.length > 0) return faults.result()
  return { ok: true, columns: yield* ascending(draft) }
}

class Faults {
  readonly details: ErrorDetail[] = []
  tooMany = false
  tooManyReadings = false

  add(path: string, message: string): void {
    if (this.details.length < MAX_DETAILS) this.details.push({ path, message })
  }

  refuse(path: string, message: string): ParsedPoints {
    this.add(path, message)
    return this.result()
  }

  result(): ParsedPoints {
    const { tooMany, tooManyReadings, details } = this
    return { ok: false, tooMany, details, ...(tooManyReadings ? { tooManyReadings } : {}) }
  }

  /** Whether a list of `count` points is over the bound; says so if it is. */
  refusesCount(path: string, count: number): boolean {
    if (count <= MAX_POINTS_PER_REQUEST) return false
    this.tooMany = true
    this.add(path, `holds ${count} points; at most ${MAX_POINTS_PER_REQUEST} fit one request`)
    return true
  }
}

const CAP = 'must be a positive number, or "Infinity" for no cap at this step'
/** Throws where a batch of so many points and metrics is over the bound: before room is made for another metric. */
function refuseReadings(path: string, points: number, metrics: number, faults: Faults): void {
  if (points * metrics <= MAX_READINGS_PER_REQUEST) return
  faults.tooManyReadings = true
  faults.details.length = 0
  faults.add(
    path,
    `holds more than ${MAX_READINGS_PER_REQUEST} readings (points × metrics); send it in parts`,
  )
  throw new TooManyReadings()
}

/** Stops parsing at once; caught within this module. */
class TooManyReadings extends Error {}

/** Readings of rows, and lists of readings, that take about a millisecond to read. */
const VALUES_A_SLICE = 10_000
const LISTS_A_SLICE = 4

const READING = 'must be a finite number, "NaN", "Infinity", "-Infinity" or null'
const STEP = 'must be a whole number from 0 to 2^53 - 1'
const TIME = 'must be Unix seconds, a number from 0 to 1e11'

function* readRows(rows: unknown, faults: Faults): Generator<undefined, PointColumns | undefined> {
  if (!Array.isArray(rows)) return void faults.add('/points', 'must be a list of points')
  if (faults.refusesCount('/points', rows.length)) return undefined
  const count = rows.length
  const draft = {
    step: new Float64Array(count),
    time: new Float64Array(count).fill(NaN),
    metrics: new Map<string, { values: Float64Array; present: Uint8Array }>(),
  }
  let valuesRead = 0
  /** A reading that stands under `key` of the object at `parent`. */
  const put = (name: string, row: number, value: unknown, parent: string, key: string): void => {
    valuesRead++
    if (value === null) return
    const reading = decodeNumber(value)
    if (reading === undefined) return faults.add(pointer(parent, key), READING)
    if (!(reading > 0) && isCap(name)) return faults.add(pointer(parent, key), CAP)
    let column = draft.metrics.get(name)
    if (column === undefined) {
      const fault = nameFault(name)
      if (fault !== undefined) return faults.add(pointer(parent, key), fault)
      refuseReadings('/points', count, draft.metrics.size + 1, faults)
      column = { values: new Float64Array(count), present: new Uint8Array(count) }
      draft.metrics.set(name, column)
    }
    column.values[row] = reading
    column.present[row] = 1
  }
  const readRow = (row: unknown, i: number): void => {
    const at = `/points/${i}`
    if (!isObject(row)) return faults.add(at, 'must be an object with a "step"')
    if (!('step' in row)) faults.add(`${at}/step`, 'is required')
    for (const key in row) {
      const value = row[key]
      if (key === 'step') {
        if (isStep(value)) draft.step[i] = value
        else faults.add(`${at}/step`, STEP)
      } else if (key === 'time') {
        if (isTime(value)) draft.time[i] = value
        else faults.add(`${at}/time`, TIME)
      } else if (key === 'layers') {
        if (!isObject(value)) faults.add(`${at}/layers`, 'must be an object: layer name → norm')
        else {
          const parent = `${at}/layers`
          for (const layer in value) put(LAYER_PREFIX + layer, i, value[layer], parent, layer)
        }
      } else put(key, i, value, at, key)
    }
  }
  for (let i = 0; i < count; i++) {
    if (valuesRead >= VALUES_A_SLICE) {
      valuesRead = 0
      yield
    }
    readRow(rows[i], i)
  }
  const metrics = new Map<string, MetricColumn>()
  for (const [name, { values, present }] of draft.metrics) {
    metrics.set(name, { values, present: present.includes(0) ? present : null })
  }
  return { step: draft.step, time: draft.time, metrics }
}

/**
 * V8 compiles the loop of a generator and throws the code away again at each `object[key]` in it, for each body. For this
 * reason entries are listed, and lists of readings are read in functions of their own.
 */
function* readColumns(columns: unknown, faults: Faults): Generator<undefined, PointColumns | undefined> {
  if (!isObject(columns)) return void faults.add('/columns', 'must be an object of lists')
  const steps = columns['step']
  if (!Array.isArray(steps)) return void faults.add('/columns/step', 'is required: a list of steps')
  if (faults.refusesCount('/columns/step', steps.length)) return undefined
  const count = steps.length
  const step = readSteps(steps, faults)
  let time = new Float64Array(count).fill(NaN)
  const metrics = new Map<string, MetricColumn>()
  let lists = 0
  const put = (name: string, list: unknown, path: string): void => {
    const fault = nameFault(name)
    if (fault !== undefined) return faults.add(path, fault)
    refuseReadings('/columns', count, ++lists, faults)
    const column = readReadings(list, count, path, faults)
    if (column !== undefined && isCap(name)) checkCaps(column, path, faults)
    if (column !== undefined && (column.present?.includes(1) ?? true)) metrics.set(name, column)
  }
  for (const [key, list] of Object.entries(columns)) {
    if (lists % LISTS_A_SLICE === 0) yield
    if (key === 'step') continue
    else if (key === 'time') time = readTimes(list, count, faults) ?? time
    else if (key === 'layers') {
      if (!isObject(list)) faults.add('/columns/layers', 'must be an object: layer name → list of norms')
      else
        for (const [layer, norms] of Object.entries(list)) {
          put(LAYER_PREFIX + layer, norms, pointer('/columns/layers', layer))
          if (lists % LISTS_A_SLICE === 0) yield
        }
    } else put(key, list, pointer('/columns', key))
  }
  return { step, time, metrics }
}

function readSteps(steps: readonly unknown[], faults: Faults): Float64Array<ArrayBuffer> {
  const step = new Float64Array(steps.length)
  for (let i = 0; i < steps.length; i++) {
    const value = steps[i]
    if (isStep(value)) step[i] = value
    else faults.add(`/columns/step/${i}`, STEP)
  }
  return step
}

function isFullList(list: unknown, count: number, path: string, faults: Faults): list is unknown[] {
  if (!Array.isArray(list)) {
    faults.add(path, 'must be a list, one reading a step')
    return false
  }
  if (list.length !== count) {
    faults.add(path, `has ${list.length} readings for ${count} steps`)
    return false
  }
  return true
}

function readReadings(list: unknown, count: number, path: string, faults: Faults): MetricColumn | undefined {
  if (!isFullList(list, count, path, faults)) return undefined
  const values = new Float64Array(count)
  let present: Uint8Array | null = null
  for (let i = 0; i < count; i++) {
    const value = list[i]
    if (typeof value === 'number' && Number.isFinite(value)) {
      values[i] = value
    } else if (value === null) {
      present ??= new Uint8Array(count).fill(1)
      present[i] = 0
    } else {
      const reading = decodeNumber(value)
      if (reading === undefined) faults.add(`${path}/${i}`, READING)
      else values[i] = reading
    }
  }
  return { values, present }
}

/** Whether a metric of this name is a cap: of the run's steps, or of a part's. */
function isCap(name: string): boolean {
  return name === 'max_norm' || (name.startsWith('max_norm/') && partMetric(name) !== undefined)
}

function checkCaps({ values, present }: MetricColumn, path: string, faults: Faults): void {
  values.forEach((value, i) => {
    if (!(value > 0) && present?.[i] !== 0) faults.add(`${path}/${i}`, CAP)
  })
}

function readTimes(list: unknown, count: number, faults: Faults): Float64Array<ArrayBuffer> | undefined {
  if (!isFullList(list, count, '/columns/time', faults)) return undefined
  const times = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const value = list[i]
    if (value === null) times[i] = NaN
    else if (isTime(value)) times[i] = value
    else faults.add(`/columns/time/${i}`, TIME)
  }
  return times
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isStep(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_STEP
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIME
}

function nameFault(name: string): string | undefined {
  const bare = name.startsWith(LAYER_PREFIX) ? name.slice(LAYER_PREFIX.length) : name
  if (bare.length >= 1 && bare.length <= MAX_METRIC_NAME_LENGTH && isText(bare)) return undefined
  return `a metric's name has 1 to ${MAX_METRIC_NAME_LENGTH} characters, none of them a control character or half of a surrogate pair`
}

/** Whether it has no control character and is Unicode: databases would make one name of several that are not. */
function isText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return false
  }
  return text.isWellFormed()
}

/** A JSON pointer (RFC 6901) to a key of the value at `path`. */
function pointer(path: string, key: string): string {
  return `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
