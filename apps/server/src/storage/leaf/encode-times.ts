import { hasTimes } from '@normwatch/protocol'
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
  if (!hasTimes(times)) return writer.byte(NONE)
  if (areWhole(times, 1e6)) writer.byte(MICROSECONDS)
  else if (areWhole(times, TICKS_A_SECOND)) writer.byte(TICKS)
  else {
    writer.byte(FLOATS)
    return writeShuffled(writer, times)
  }
  let before = 0
  let pace = 0
  for (let i = 0; i < times.length; i++) {
    const value = whole[i] as number
    const difference = value - before
    writer.signed(i === 0 ? difference : difference - pace)
    if (i > 0) pace = difference
    before = value
  }
}

/** The times that `areWhole` looked at last, in its units: an array for each batch would be garbage. */
let whole = new Float64Array(1024)

/** Whether each of the times is a whole number of units exactly, and can be written as differences. */
function areWhole(times: Float64Array, unit: number): boolean {
  if (whole.length < times.length) whole = new Float64Array(times.length)
  let before = NaN
  for (let i = 0; i < times.length; i++) {
    const time = times[i] as number
    const value = Math.round(time * unit)
    // NaN is no whole number, and -0 would lose its sign
    if (!(value >= 0 && value <= MAX_WHOLE) || value / unit !== time) return false
    if (Math.abs(value - before) >= MAX_DIFFERENCE || (value === 0 && Object.is(time, -0))) return false
    whole[i] = value
    before = value
  }
  return true
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
