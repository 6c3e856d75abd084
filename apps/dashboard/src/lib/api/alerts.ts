import type {
  Channel,
  ChannelPatch,
  ChannelTest,
  ChannelWithSecret,
  Delivery,
  DeliveryList,
  Mute,
  NewChannel,
  NewMute,
} from '@normwatch/protocol'
import { withBody, type Caller } from '#lib/api/caller.ts'

/** The calls about channels, deliveries and mutes. */
export type AlertsApi = ReturnType<typeof createAlertsApi>

export function createAlertsApi({ call }: Caller) {
  const channelPath = (id: string) => `/channels/${encodeURIComponent(id)}`
  return {
    channels: () => call<{ channels: Channel[] }>('/channels'),
    channel: (id: string) => call<Channel>(channelPath(id)),
    addChannel: (channel: NewChannel) => call<ChannelWithSecret>('/channels', withBody('POST', channel)),
    /** A reply's `url` is masked: leave it out unless a person entered another one. */
    patchChannel: (id: string, patch: ChannelPatch) =>
      call<Channel>(channelPath(id), withBody('PATCH', patch)),
    deleteChannel: (id: string) => call<unknown>(channelPath(id), { method: 'DELETE' }),
    testChannel: (id: string) => call<ChannelTest>(`${channelPath(id)}/test`, { method: 'POST' }),
    rotateSecret: (id: string) =>
      call<ChannelWithSecret>(`${channelPath(id)}/rotate-secret`, { method: 'POST' }),
    channelDeliveries(id: string, cursor: string | null = null): Promise<DeliveryList> {
      const query = new URLSearchParams({ limit: '50', ...(cursor !== null && { cursor }) })
      return call(`${channelPath(id)}/deliveries?${query}`)
    },
    runDeliveries(run: string, cursor: string | null = null): Promise<DeliveryList> {
      const query = new URLSearchParams({ run, limit: '50', ...(cursor !== null && { cursor }) })
      return call(`/deliveries?${query}`)
    },
    findingDeliveries: (run: string, finding: string) =>
      call<DeliveryList>(`/deliveries?${new URLSearchParams({ run, finding })}`),
    redeliver: (id: string) =>
      call<Delivery>(`/deliveries/${encodeURIComponent(id)}/redeliver`, { method: 'POST' }),
    mutes: () => call<{ mutes: Mute[] }>('/mutes'),
    addMute: (mute: NewMute) => call<Mute>('/mutes', withBody('POST', mute)),
    endMute: (id: string) => call<unknown>(`/mutes/${encodeURIComponent(id)}`, { method: 'DELETE' }),
  }
}
