import type { ByteReader, ByteWriter } from './bytes.ts'
import { readShuffled, writeShuffled } from './encode-floats.ts'

const NONE = 0
const MICROSECONDS = 1
const TICKS = 2
const FLOATS = 3

/** A clock's float64 seconds since 1970 are whole multiples of 2^-22 s from 2004 to 2038. */
const TICKS_A_SECOND = 2 ** 22
/** Whole numbers up to here are exact, and doubled, as a signed varint holds them, they stay so. */
const MAX_WHOLE = 2 ** 53
/** Differences below this, in both directions, have differences that a signed varint holds exactly. */
const MAX_DIFFERENCE = 2 ** 51

/**
 * Unix seconds, exactly: as whole microseconds or as ticks of 2^-22 s where each of them is one, written as
 * differences of differences, so that a steady pace costs a byte a time; else as float64.
 */
export function writeTimes(writer: ByteWriter, times: Float64Array): void {
  if (!hasTime(times)) return writer.byte(NONE)
  const whole = wholes(times, 1e6) ?? wholes(times, TICKS_A_SECOND)
  if (whole === undefined) {
    writer.byte(FLOATS)
    return writeShuffled(writer, times)
  }
  writer.byte(whole.unit === 1e6 ? MICROSECONDS : TICKS)
  let before = 0
  let pace = 0
  for (let i = 0; i < times.length; i++) {
    const value = whole.values[i] as number
    const difference = value - before
    writer.signed(i === 0 ? difference : difference - pace)
    if (i > 0) pace = difference
    before = value
  }
}

function hasTime(times: Float64Array): boolean {
  for (let i = 0; i < times.length; i++) if (!Number.isNaN(times[i])) return true
  return false
}

/** Where times stand in whole units: an array for each batch would be garbage. */
let room = new Float64Array(1024)

/** The times in whole units; `undefined` unless each of them is one exactly, and can be written as differences. */
function wholes(times: Float64Array, unit: number): { values: Float64Array; unit: number } | undefined {
  if (room.length < times.length) room = new Float64Array(times.length)
  const values = room
  let before = NaN
  for (let i = 0; i < times.length; i++) {
    const time = times[i] as number
    const value = Math.round(time * unit)
    // NaN is no whole number, and -0 would lose its sign
    if (!(value >= 0 && value <= MAX_WHOLE) || value / unit !== time) return undefined
    if (Math.abs(value - before) >= MAX_DIFFERENCE || (value === 0 && Object.is(time, -0))) return undefined
    values[i] = value
    before = value
  }
  return { values, unit }
}

export function readTimes(reader: ByteReader, count: number): Float64Array {
  const times = new Float64Array(count)
  const kind = reader.byte()
  if (kind === NONE) return times.fill(NaN)
  if (kind === FLOATS) {
    readShuffled(reader, times)
    return times
  }
  const unit = kind === MICROSECONDS ? 1e6 : TICKS_A_SECOND
  let value = 0
  let pace = 0
  for (let i = 0; i < count; i++) {
    const read = reader.signed()
    const difference = i === 0 ? read : read + pace
    if (i > 0) pace = difference
    value += difference
    times[i] = value / unit
  }
  return times
}

export function skipTimes(reader: ByteReader, count: number): void {
  const kind = reader.byte()
  if (kind === FLOATS) reader.take(count * Float64Array.BYTES_PER_ELEMENT)
  else if (kind !== NONE) reader.skipVarints(count)
}
