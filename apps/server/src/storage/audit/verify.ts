import type { AuditChain } from '@normwatch/protocol'
import type { AuditHead, AuditStore, StoredAuditEntry } from '../audit-store.ts'
import { canonicalForm, hashOf } from './chain.ts'

/** Entries that are read and checked at a time: a few milliseconds of work. */
const ENTRIES_A_PAGE = 500

interface Fault {
  readonly number: number
  readonly message: string
}

/**
 * Reads the whole chain and computes its hashes again. Finds the first entry that was changed, is missing or was put in,
 * and entries missing at the end. Entries that are added or that expire meanwhile are no fault.
 */
export async function verifyChain(audit: AuditStore): Promise<AuditChain> {
  for (;;) {
    const head = await audit.head()
    const { fault, entries } = await walk(audit, head)
    if (fault !== null && (await audit.head()).anchor !== head.anchor) continue
    return {
      ok: fault === null,
      entries,
      expired_through: head.anchor,
      last: head.last,
      hash: head.hash,
      fault,
    }
  }
}

async function walk(
  audit: AuditStore,
  head: AuditHead,
): Promise<{ readonly fault: Fault | null; readonly entries: number }> {
  let number = head.anchor
  let hash = head.anchor_hash
  let entries = 0
  // an entry put in before the anchor would be read first
  let after = 0
  while (number < head.last) {
    const page = await audit.read(after, ENTRIES_A_PAGE)
    if (page.length === 0) {
      return {
        fault: { number: number + 1, message: `Entries ${number + 1} to ${head.last} are missing.` },
        entries,
      }
    }
    for (const entry of page) {
      if (number === head.last) break
      const fault = faultOf(entry, number, hash)
      if (fault !== null) return { fault, entries }
      number = entry.number
      hash = entry.hash
      entries++
    }
    after = number
  }
  if (hash === head.hash) return { fault: null, entries }
  const message = `Entry ${number} is not the one that was written last.`
  return { fault: { number, message }, entries }
}

function faultOf(entry: StoredAuditEntry, previous: number, previousHash: string): Fault | null {
  const { number } = entry
  if (number > previous + 1) {
    const gap =
      number === previous + 2 ? `Entry ${previous + 1} is` : `Entries ${previous + 1} to ${number - 1} are`
    return { number: previous + 1, message: `${gap} missing.` }
  }
  if (number <= previous) return { number, message: `Entry ${number} had expired and was put in again.` }
  if (hashOf(previousHash, number, canonicalForm(entry)) === entry.hash) return null
  return {
    number,
    message: `Entry ${number} was changed, or is not the one that followed entry ${previous}.`,
  }
}
