import type { Delivery, Finding, ListedRun as WireListedRun, Mute, Run } from '@normwatch/protocol'
import type { StoredDelivery, StoredMute } from './alert-store.ts'
import type { ListedRun, StoredFinding, StoredRun } from './store.ts'

const DAY_MS = 86_400_000
const YEAR_10000 = Date.UTC(10_000, 0)
/** The date that was written last: instants of a list share it, and `toISOString` takes a microsecond. */
let lastDay = { day: NaN, text: '' }

const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'))
const two = (value: number): string => TWO_DIGITS[value] as string

/*
 * Records as the wire shows them. Inside the server every instant is a number of milliseconds since 1970; here it
 * becomes ISO 8601.
 */

export function iso(milliseconds: number): string {
  if (!(milliseconds >= 0 && milliseconds < YEAR_10000)) return new Date(milliseconds).toISOString()
  const day = Math.floor(milliseconds / DAY_MS)
  if (day !== lastDay.day) lastDay = { day, text: new Date(day * DAY_MS).toISOString().slice(0, 11) }
  const ofDay = Math.floor(milliseconds) - day * DAY_MS
  const seconds = Math.floor(ofDay / 1000)
  const minutes = Math.floor(seconds / 60)
  const time = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`
  return `${lastDay.text}${time}.${String(ofDay % 1000).padStart(3, '0')}Z`
}

export const isoOrNull = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : iso(milliseconds)

export function toRun(run: StoredRun): Run
export function toRun(run: ListedRun): WireListedRun
export function toRun({ last_arrival: _, version: __, ...run }: ListedRun): WireListedRun {
  return {
    ...run,
    created_at: iso(run.created_at),
    updated_at: iso(run.updated_at),
    ended_at: isoOrNull(run.ended_at),
  }
}

export function toFinding(finding: StoredFinding): Finding {
  return { ...finding, opened_at: iso(finding.opened_at), closed_at: isoOrNull(finding.closed_at) }
}

export function toMute(mute: StoredMute): Mute {
  return { ...mute, until: iso(mute.until), created_at: iso(mute.created_at) }
}

export function toDelivery(delivery: StoredDelivery): Delivery {
  return {
    ...delivery,
    created_at: iso(delivery.created_at),
    next_try_at: isoOrNull(delivery.next_try_at),
    last_try_at: isoOrNull(delivery.last_try_at),
  }
}
