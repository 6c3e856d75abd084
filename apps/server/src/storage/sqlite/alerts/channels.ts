import { MAX_CHANNELS } from '@normwatch/protocol'
import type { Database } from '../engine/database.ts'
import {
  ChannelNotFound,
  TooManyAlertRules,
  type ChannelChange,
  type StoredChannel,
} from '../../alert-store.ts'
import { CHANNEL_COLUMNS, toChannel, toChannelRow, type ChannelRow } from '../../channel-rows.ts'

/** SQLite has no booleans. */
interface Row extends Omit<ChannelRow, 'enabled'> {
  readonly enabled: 0 | 1
}

/** The table of channels. Synchronous: callers run it in their units. */
export function openChannels(db: Database) {
  const names = CHANNEL_COLUMNS.join(', ')
  const select = db.prepare<[string], Row>(`select ${names} from channels where id = ?`)
  const selectAll = db.prepare<[], Row>(`select ${names} from channels order by created_at, id`)
  const insert = db.prepare<[Row]>(
    `insert into channels (${names}) values (${CHANNEL_COLUMNS.map((name) => `@${name}`).join(', ')})`,
  )
  const update = db.prepare<[Row]>(
    `update channels set ${CHANNEL_COLUMNS.map((name) => `${name} = @${name}`).join(', ')} where id = @id`,
  )
  const remove = db.prepare<[string]>('delete from channels where id = ?')

  const get = (id: string): StoredChannel => {
    const row = select.get(id)
    if (row === undefined) throw new ChannelNotFound(`There is no channel "${id}".`)
    return channelOf(row)
  }
  const save = (channel: StoredChannel): StoredChannel => {
    update.run(rowOf(channel))
    return channel
  }
  return {
    get,
    all: (): StoredChannel[] => selectAll.all().map(channelOf),
    create(channel: StoredChannel): StoredChannel {
      if (selectAll.all().length >= MAX_CHANNELS) {
        throw new TooManyAlertRules(`There are at most ${MAX_CHANNELS} channels.`)
      }
      insert.run(rowOf(channel))
      return channel
    },
    change(id: string, change: ChannelChange, now: number): StoredChannel {
      return save({ ...get(id), ...change, updated_at: now })
    },
    /** What the last try came to; `null`: it was taken. A channel that is gone is ignored. */
    tried(id: string, error: string | null, now: number): void {
      const row = select.get(id)
      if (row === undefined) return
      const failing_since = error === null ? null : (row.failing_since ?? now)
      save({ ...channelOf(row), failing_since, failing_error: error })
    },
    remove(id: string): void {
      if (remove.run(id).changes === 0) throw new ChannelNotFound(`There is no channel "${id}".`)
    },
  }
}
export type ChannelTable = ReturnType<typeof openChannels>

const channelOf = (row: Row): StoredChannel => toChannel({ ...row, enabled: row.enabled === 1 })
const rowOf = (channel: StoredChannel): Row => ({
  ...toChannelRow(channel),
  enabled: channel.enabled ? 1 : 0,
})
