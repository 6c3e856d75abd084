import type { AuditAction, AuditEntry } from '@normwatch/protocol'

/** What was done, for people. */
export const ACTION_WORDS: Readonly<Record<AuditAction, string>> = {
  'session.open': 'signed in',
  'session.refuse': 'sign-in refused',
  'session.close': 'signed out',
  'session.revoke': 'ended a session',
  'token.create': 'created a token',
  'token.revoke': 'revoked a token',
  'channel.create': 'created a channel',
  'channel.change': 'changed a channel',
  'channel.delete': 'deleted a channel',
  'channel.test': 'tested a channel',
  'channel.rotate_secret': 'rotated a secret',
  'delivery.redeliver': 'sent a message again',
  'mute.create': 'muted',
  'mute.end': 'ended a mute',
  'settings.change': 'changed settings',
  'limits.change': 'changed limits',
  'run.change': 'changed a run',
  'run.truncate': 'dropped points',
  'run.delete': 'deleted a run',
  'points.export': 'exported points',
  'snapshot.export': 'exported a snapshot',
  'audit.export': 'exported the audit log',
  'audit.expire': 'removed old entries',
  'backup.make': 'made a backup',
}

/** The page of what an entry is about, if it may still have one. */
export function isShown({ target_kind, action }: AuditEntry): boolean {
  return target_kind === 'run' && action !== 'run.delete'
}
