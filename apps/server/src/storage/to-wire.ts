import type { Delivery, Finding, ListedRun as WireListedRun, Mute, Run } from '@normwatch/protocol'
import type { StoredDelivery, StoredMute } from './alert-store.ts'
import type { ListedRun, StoredFinding, StoredRun } from './store.ts'

/*
 * Records as the wire shows them. Inside the server every instant is a number of milliseconds since 1970; here it
 * becomes ISO 8601.
 */

export const iso = (milliseconds: number): string => new Date(milliseconds).toISOString()
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
