import { randomUUID } from 'node:crypto'
import type { Channel, ChannelPatch, ChannelWithSecret, NewChannel, NewMute } from '@normwatch/protocol'
import type { ChannelChange, StoredChannel, StoredMute } from '../storage/alert-store.ts'
import { iso } from '../storage/to-wire.ts'
import { channelKinds } from './kinds/kinds.ts'
import { newSecret, OLD_SECRET_LIVES_MS } from './signature.ts'

/** A channel from a request; its address must have been checked. */
export function newChannel(fields: NewChannel, now: number): StoredChannel {
  const kind = channelKinds[fields.kind]
  return {
    id: `ch_${randomUUID()}`,
    project: null,
    kinds: null,
    min_severity: 'warning',
    text: null,
    tag: null,
    remind_hours: null,
    enabled: true,
    ...fields,
    name: fields.name ?? kind.defaultName(fields.url),
    disabled_reason: null,
    secret: kind.isSigned ? newSecret() : null,
    old_secret: null,
    old_secret_until: null,
    failing_since: null,
    failing_error: null,
    created_at: now,
    updated_at: now,
  }
}

/** What a patch changes in the store: a channel enabled or disabled by hand has no reason. */
export function changeOf(patch: ChannelPatch): ChannelChange {
  if (patch.enabled === undefined) return patch
  return { ...patch, disabled_reason: patch.enabled ? null : 'Disabled by hand.' }
}

/** A new secret; the present one also signs for another 24 hours. */
export function rotated(channel: StoredChannel, now: number): ChannelChange {
  return { secret: newSecret(), old_secret: channel.secret, old_secret_until: now + OLD_SECRET_LIVES_MS }
}

/** The channel for replies: without secrets, and with the secret part of its address masked. */
export function shownChannel(channel: StoredChannel, now: number): Channel {
  const { secret: _secret, old_secret: _old, failing_since, failing_error, kinds, ...rest } = channel
  const signsUntil = channel.old_secret_until
  return {
    ...rest,
    kinds: kinds === null ? null : [...kinds],
    url: channelKinds[channel.kind].shownAddress(channel.url),
    failing: failing_since === null ? null : { since: iso(failing_since), error: failing_error ?? '' },
    old_secret_until: signsUntil !== null && signsUntil > now ? iso(signsUntil) : null,
    created_at: iso(channel.created_at),
    updated_at: iso(channel.updated_at),
  }
}

/** The only reply that shows the secret: right after it was created. */
export function shownWithSecret(channel: StoredChannel, now: number): ChannelWithSecret {
  return { ...shownChannel(channel, now), secret: channel.secret }
}

/** A mute from a request: at least one of run, project and kind, until a time after `now`. */
export function newMute({ run, project, kind, until }: NewMute, now: number): StoredMute {
  return {
    id: `mute_${randomUUID()}`,
    run: run ?? null,
    project: project ?? null,
    kind: kind ?? null,
    until: Date.parse(until),
    created_at: now,
  }
}
