import { MAX_CHANNELS, MAX_MUTES } from '@normwatch/protocol'
import {
  ChannelNotFound,
  MuteNotFound,
  TooManyAlertRules,
  type ChannelChange,
  type ChannelStore,
  type MuteStore,
  type StoredChannel,
  type StoredMute,
} from '../../alert-store.ts'
import { CHANNEL_COLUMNS, toChannel, toChannelRow, type ChannelRow } from '../../channel-rows.ts'
import type { Database, Statements } from '../database.ts'
import { failPending, release, removeDeliveries } from './deliveries.ts'

const SELECT = `select ${CHANNEL_COLUMNS.join(', ')} from channels`

function valuesOf(channel: StoredChannel) {
  const row = toChannelRow(channel)
  return CHANNEL_COLUMNS.map((name) => row[name])
}

export const allChannels = async (on: Statements): Promise<StoredChannel[]> =>
  (await on.all<ChannelRow>(`${SELECT} order by created_at, id`)).map(toChannel)

/** The channel, which nobody else changes until the transaction ends. */
async function lockChannel(on: Statements, id: string): Promise<StoredChannel | undefined> {
  const row = await on.get<ChannelRow>(`${SELECT} where id = ? for update`, id)
  return row && toChannel(row)
}

async function save(on: Statements, channel: StoredChannel): Promise<StoredChannel> {
  const set = CHANNEL_COLUMNS.map((name) => `${name} = ?`).join(', ')
  await on.run(`update channels set ${set} where id = ?`, ...valuesOf(channel), channel.id)
  return channel
}

const notFound = (id: string) => new ChannelNotFound(`There is no channel "${id}".`)

async function change(
  on: Statements,
  id: string,
  fields: ChannelChange,
  now: number,
): Promise<StoredChannel> {
  const channel = await lockChannel(on, id)
  if (channel === undefined) throw notFound(id)
  return save(on, { ...channel, ...fields, updated_at: now })
}

/** What the last try of a channel came to; `error` `null`: it was taken. Gives the channel; `undefined`: it is gone. */
export async function channelTried(
  on: Statements,
  id: string,
  { error, disable }: { readonly error: string | null; readonly disable: string | null },
  now: number,
): Promise<StoredChannel | undefined> {
  const channel = await lockChannel(on, id)
  if (channel === undefined) return undefined
  const failing_since = error === null ? null : (channel.failing_since ?? now)
  const disabled = disable === null ? {} : { enabled: false, disabled_reason: disable, updated_at: now }
  return save(on, { ...channel, failing_since, failing_error: error, ...disabled })
}

export function openChannelStore(db: Database): ChannelStore {
  return {
    create: (channel) =>
      db.transaction(async (on) => {
        // one at a time, so that the bound holds
        await on.run('lock table channels in share row exclusive mode')
        const counted = await on.get<{ count: number }>('select count(*) as count from channels')
        if ((counted?.count ?? 0) >= MAX_CHANNELS) {
          throw new TooManyAlertRules(`There are at most ${MAX_CHANNELS} channels.`)
        }
        await on.run(
          `insert into channels (${CHANNEL_COLUMNS.join(', ')}) values (${CHANNEL_COLUMNS.map(() => '?').join(', ')})`,
          ...valuesOf(channel),
        )
        return channel
      }),
    get: async (id) => {
      const row = await db.get<ChannelRow>(`${SELECT} where id = ?`, id)
      if (row === undefined) throw notFound(id)
      return toChannel(row)
    },
    list: () => allChannels(db),
    update: (id, fields, now) =>
      db.transaction(async (on) => {
        const changed = await change(on, id, fields, now)
        if (fields.enabled === false) await failPending(on, id)
        if (fields.enabled !== true) return changed
        return (await channelTried(on, id, { error: null, disable: null }, now)) as StoredChannel
      }),
    delete: (id) =>
      db.transaction(async (on) => {
        if ((await on.run('delete from channels where id = ?', id)) === 0) throw notFound(id)
        await removeDeliveries(on, 'channel = ?', id)
      }),
  }
}

export const mutesInForce = (on: Statements, now: number): Promise<StoredMute[]> =>
  on.all<StoredMute>(
    'select id, run, project, kind, until, created_at from mutes where until > ? order by until, id',
    now,
  )

export function openMuteStore(db: Database, tellQueued: () => void): MuteStore {
  return {
    create: (mute) =>
      db.transaction(async (on) => {
        await on.run('lock table mutes in share row exclusive mode')
        await on.run('delete from mutes where until <= ?', mute.created_at)
        if ((await mutesInForce(on, mute.created_at)).length >= MAX_MUTES) {
          throw new TooManyAlertRules(`There are at most ${MAX_MUTES} mutes at a time.`)
        }
        await on.run(
          'insert into mutes (id, run, project, kind, until, created_at) values (?, ?, ?, ?, ?, ?)',
          mute.id,
          mute.run,
          mute.project,
          mute.kind,
          mute.until,
          mute.created_at,
        )
        return mute
      }),
    list: (now) => mutesInForce(db, now),
    delete: async (id, now) => {
      await db.transaction(async (on) => {
        if ((await on.run('delete from mutes where id = ?', id)) === 0) {
          throw new MuteNotFound(`There is no mute "${id}".`)
        }
        await release(on, id, now)
      })
      tellQueued()
    },
  }
}
