import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { Nullable } from './nullable.ts'

/** Everything that the audit log records. */
export const AUDIT_ACTIONS = [
  'session.open',
  'session.refuse',
  'session.close',
  'session.revoke',
  'token.create',
  'token.revoke',
  'channel.create',
  'channel.change',
  'channel.delete',
  'channel.test',
  'channel.rotate_secret',
  'delivery.redeliver',
  'mute.create',
  'mute.end',
  'settings.change',
  'limits.change',
  'run.change',
  'run.truncate',
  'run.delete',
  'points.export',
  'snapshot.export',
  'audit.export',
  'audit.expire',
  'backup.make',
] as const
export type AuditAction = (typeof AUDIT_ACTIONS)[number]
export const AuditActionSchema = Type.Enum(AUDIT_ACTIONS)

/** What an entry is about. */
export const AUDIT_TARGETS = [
  'session',
  'token',
  'channel',
  'delivery',
  'mute',
  'project',
  'run',
  'audit',
  'data',
] as const
export type AuditTarget = (typeof AUDIT_TARGETS)[number]

/** The most characters of each text of an entry; longer ones are cut. */
export const AUDIT_TEXTS = { actor: 128, target: 128, project: 128, address: 64, detail: 512 } as const

export const AuditEntrySchema = Type.Object({
  number: Type.Integer({ minimum: 1, description: 'Its place in the chain; the first entry is 1.' }),
  at: Type.String({ format: 'date-time' }),
  actor_id: Nullable(
    Type.String({
      description: 'Id of the token or the person; null: the command line, the service, nobody.',
    }),
  ),
  actor: Type.String({
    description: 'Name of the token or the person, `command line`, `service`, or `unknown`.',
  }),
  action: AuditActionSchema,
  target_kind: Type.Enum(AUDIT_TARGETS),
  target: Nullable(Type.String({ description: 'Id of what was acted on.' })),
  project: Nullable(Type.String()),
  address: Nullable(Type.String({ description: 'The IP address it came from.' })),
  detail: Nullable(
    Type.String({ description: 'Names of the fields changed, or why it was refused; never a value.' }),
  ),
  hash: Type.String({
    pattern: '^[0-9a-f]{64}$',
    description: 'SHA-256 of the previous entry’s hash, the number and the fields, see docs/audit.md.',
  }),
})
/** One entry of the audit log. */
export type AuditEntry = Static<typeof AuditEntrySchema>

export const AuditListSchema = Type.Object({
  entries: Type.Array(AuditEntrySchema),
  next_cursor: Nullable(Type.String()),
})
export type AuditList = Static<typeof AuditListSchema>

/** Whether the chain of hashes is whole. */
export const AuditChainSchema = Type.Object({
  ok: Type.Boolean(),
  entries: Type.Integer({ minimum: 0, description: 'Entries that are kept.' }),
  expired_through: Type.Integer({
    minimum: 0,
    description: 'Entries up to this number were removed because of their age.',
  }),
  last: Type.Integer({ minimum: 0, description: 'Number of the newest entry; 0: none was ever written.' }),
  hash: Type.String({
    description: 'Hash of the newest entry: write it down elsewhere to compare it later.',
  }),
  fault: Nullable(Type.Object({ number: Type.Integer(), message: Type.String() })),
})
export type AuditChain = Static<typeof AuditChainSchema>
