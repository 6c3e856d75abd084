import { createHash } from 'node:crypto'
import { AUDIT_TEXTS } from '@normwatch/protocol'
import type { AuditHead, AuditRecord, StoredAuditEntry } from '../audit-store.ts'

/** Stands for the hash of the entry before the first. */
export const NO_HASH = '0'.repeat(64)
/** The chain before its first entry. */
export const EMPTY_CHAIN: AuditHead = { last: 0, hash: NO_HASH, anchor: 0, anchor_hash: NO_HASH }

export const AUDIT_COLUMNS = [
  'number',
  'at',
  'actor_id',
  'actor',
  'action',
  'target_kind',
  'target',
  'project',
  'address',
  'detail',
  'hash',
] as const satisfies readonly (keyof StoredAuditEntry)[]

/** What is hashed of an entry besides its number: its fields in this order, as a JSON array without spaces. */
const HASHED = AUDIT_COLUMNS.slice(1, -1) as readonly (keyof AuditRecord)[]

export const canonicalForm = (record: AuditRecord): string =>
  JSON.stringify(HASHED.map((column) => record[column]))

/** The SHA-256, in hex, of the previous entry's hash, the number and the canonical form, with a line feed between them. */
export const hashOf = (previous: string, number: number, canonical: string): string =>
  createHash('sha256').update(`${previous}\n${number}\n${canonical}`).digest('hex')

/** The record with texts that every engine gives back as they are: bounded, well-formed, without control characters. */
export function bounded(record: AuditRecord): AuditRecord {
  const { actor_id, actor, target, project, address, detail } = record
  return {
    ...record,
    actor_id: cutOrNull(actor_id, AUDIT_TEXTS.actor),
    actor: cut(actor, AUDIT_TEXTS.actor),
    target: cutOrNull(target, AUDIT_TEXTS.target),
    project: cutOrNull(project, AUDIT_TEXTS.project),
    address: cutOrNull(address, AUDIT_TEXTS.address),
    detail: cutOrNull(detail, AUDIT_TEXTS.detail),
  }
}

const cutOrNull = (text: string | null, max: number) => (text === null ? null : cut(text, max))
const cut = (text: string, max: number): string =>
  text
    .slice(0, max)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, ' ')
