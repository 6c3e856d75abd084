import { othersTurns } from '../../../in-slices.ts'
import type { ChannelStore, DeliveryStore, MuteStore } from '../../alert-store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'
import type { FindingTable } from '../runs/findings.ts'
import type { RunCache } from '../../run/run-cache.ts'
import type { ChannelTable } from './channels.ts'
import type { DeliveryLog, DeliveryTable } from './deliveries.ts'
import type { MuteTable } from './mutes.ts'
import type { Outbox } from './outbox.ts'

/** The tables of alerting. */
interface AlertTables {
  readonly channels: ChannelTable
  readonly mutes: MuteTable
  readonly deliveries: DeliveryTable
  readonly deliveryLog: DeliveryLog
  readonly outbox: Outbox
}

export function openChannelStore(
  { channels, deliveries, deliveryLog }: AlertTables,
  commits: GroupCommit,
): ChannelStore {
  return {
    create: (channel) => commits.run(() => channels.create(channel)),
    get: async (id) => commits.read(() => channels.get(id)),
    list: async () => commits.read(() => channels.all()),
    update: (id, change, now) =>
      commits.run(() => {
        const changed = channels.change(id, change, now)
        if (change.enabled === false) deliveries.failPending(id)
        if (change.enabled !== true) return changed
        channels.tried(id, null, now)
        return channels.get(id)
      }),
    delete: async (id) => {
      // there may be very many, so others are served in between
      while (await commits.run(() => deliveryLog.removeSettled(id))) await othersTurns()
      await commits.run(() => {
        channels.remove(id)
        deliveryLog.removeOfChannel(id)
      })
    },
  }
}

export function openMuteStore({ mutes, deliveries, outbox }: AlertTables, commits: GroupCommit): MuteStore {
  return {
    create: (mute) => commits.run(() => mutes.create(mute)),
    list: async (now) => commits.read(() => mutes.inForce(now)),
    delete: (id, now) =>
      commits.run(() => {
        mutes.remove(id)
        deliveries.release(id, now)
        outbox.tellQueued()
      }),
  }
}

export function openDeliveryStore(
  { deliveries, deliveryLog, findings, outbox }: AlertTables & { readonly findings: FindingTable },
  cache: RunCache,
  commits: GroupCommit,
): DeliveryStore {
  return {
    onQueued: (listener) => outbox.onQueued(listener),
    claim: (options) => commits.run(() => deliveries.claim(options)),
    settle: (claimed, settlement, now) => commits.run(() => deliveries.settle(claimed, settlement, now)),
    restartWaits: (now) => commits.run(() => deliveries.restartWaits(now)),
    nextDue: async (now) => commits.read(() => deliveries.nextDue(now)),
    remind: (now) =>
      commits.run(() => {
        for (const { channel, finding, run } of deliveries.remindersDue(now)) {
          const record = findings.find(finding)
          if (record !== undefined) outbox.reminder(channel, record, cache.open(run).run, now)
        }
      }),
    list: async (query, now) => commits.read(() => deliveryLog.list(query, now)),
    get: async (id, now) => commits.read(() => deliveryLog.get(id, now)),
    redeliver: (id, now) =>
      commits.run(() => {
        const delivery = deliveryLog.redeliver(id, now)
        outbox.tellQueued()
        return delivery
      }),
    queue: async (now) => commits.read(() => deliveries.queue(now)),
    prune: (before) => commits.run(() => deliveryLog.prune(before)),
  }
}
