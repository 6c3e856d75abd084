import type { FindingKind } from '@normwatch/protocol'
import type { StoredChannel } from './alert-store.ts'

/** A channel as the table has it. */
export interface ChannelRow extends Omit<StoredChannel, 'kinds'> {
  /** JSON; `null`: all kinds. */
  readonly kinds: string | null
}

/** The columns of `channels`, named as in `StoredChannel`. */
export const CHANNEL_COLUMNS = [
  'id',
  'kind',
  'url',
  'name',
  'project',
  'kinds',
  'min_severity',
  'text',
  'tag',
  'remind_hours',
  'enabled',
  'disabled_reason',
  'secret',
  'old_secret',
  'old_secret_until',
  'failing_since',
  'failing_error',
  'created_at',
  'updated_at',
] as const satisfies (keyof StoredChannel)[]

export const toChannel = ({ kinds, ...row }: ChannelRow): StoredChannel => ({
  ...row,
  kinds: kinds === null ? null : (JSON.parse(kinds) as FindingKind[]),
})

export const toChannelRow = ({ kinds, ...channel }: StoredChannel): ChannelRow => ({
  ...channel,
  kinds: kinds === null ? null : JSON.stringify(kinds),
})
