import { setTimeout as pause } from 'node:timers/promises'
import type { AuditStore } from '../storage/audit-store.ts'
import type { Audit } from './audit.ts'

const LOOK_EVERY_MS = 3_600_000
const DAY = 86_400_000
/** Entries removed in one go, so that others are served in between. */
const ENTRIES_A_BATCH = 1_000

/** Removes entries older than `days`, and records that it did. */
export async function removeOldEntries(
  store: AuditStore,
  audit: Audit,
  days: number,
  now: number,
): Promise<void> {
  let all = 0
  for (;;) {
    const removed = await store.expire(now - days * DAY, ENTRIES_A_BATCH)
    all += removed
    if (removed < ENTRIES_A_BATCH) break
  }
  if (all === 0) return
  await audit.record('service', undefined, {
    action: 'audit.expire',
    kind: 'audit',
    detail: `${all} entries older than ${days} days`,
  })
}

/** Does so now and every hour until it is stopped. Gives what stops it: a promise that resolves when nothing runs. */
export function keepAudit(
  store: AuditStore,
  audit: Audit,
  days: number,
  now: () => number,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const keep = async () => {
    while (!signal.aborted) {
      await removeOldEntries(store, audit, days, now()).catch(onError)
      await pause(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
  const ended = days === 0 ? Promise.resolve() : keep()
  return () => {
    stopping.abort()
    return ended
  }
}
