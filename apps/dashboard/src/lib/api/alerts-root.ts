import { createAlertsApi } from '#lib/api/alerts.ts'
import { createCaller } from '#lib/api/caller.ts'
import { API_ROOT, leadingToSignIn } from '#lib/api/root.ts'
import { ChannelList } from '#lib/state/channel-list.svelte.ts'

export const alertsApi = createAlertsApi(createCaller(API_ROOT, leadingToSignIn))
export const channels = new ChannelList(alertsApi)
