import { goto } from '$app/navigation'
import { resolve } from '$app/paths'
import { alertsApi } from '#lib/api/alerts-root.ts'
import { api } from '#lib/api/root.ts'
import { notifications } from '#lib/notifications/browser-notifications.svelte.ts'
import { FindingNews } from '#lib/notifications/finding-news.ts'
import type { LiveConnection } from '#lib/state/live-connection.svelte.ts'

/** Shows a notification for what opens and closes in any run, until the returned function is called. A click leads to the run. */
export function notifyOfFindings(connection: LiveConnection): () => void {
  const news = new FindingNews({
    run: api.run,
    mutes: async () => (await alertsApi.mutes()).mutes,
    show: (notice, run) =>
      notifications.show(notice, () => {
        if (run === undefined) void goto(resolve('/'))
        else void goto(resolve('/runs/[id]', { id: run }))
      }),
  })
  const unwatch = connection.watch({ runs: {} }, news)
  return () => {
    unwatch()
    news.stop()
  }
}
