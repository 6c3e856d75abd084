import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { AddressGuard, systemResolve } from '../src/alerts/address-guard.ts'
import { Alerts } from '../src/alerts/alerts.ts'
import { aChannel, aFinding } from '../src/alerts/fixtures/event.ts'
import { groupedBy } from '../src/alerts/grouping.ts'
import { createSender } from '../src/alerts/kinds/kinds.ts'
import { newSecret } from '../src/alerts/signature.ts'
import type { DeliveryStore, StoredChannel } from '../src/storage/alert-store.ts'
import { record as recordIn } from '../src/storage/store.fixture.ts'
import type { FindingChange } from '../src/storage/store.ts'
import { openStore } from './start-app.ts'

export const secret = newSecret()

/**
 * A real store in a folder of its own with the real worker over it, whose clock a test moves by hand: `pass` moves it
 * and lets the worker look. Receivers on this machine are allowed.
 */
export async function startAlerts({
  groupSeconds = 0,
  timeoutMs = 15_000,
  watch = (deliveries: DeliveryStore) => deliveries,
} = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-alerts-'))
  let now = Date.now()
  const clock = () => now
  const store = await openStore(folder, { rules: groupedBy(groupSeconds), now: clock })
  const guard = new AddressGuard('127.0.0.0/8', systemResolve)
  const begin = () => {
    const alerts = new Alerts({
      deliveries: watch(store.deliveries),
      chores: store.chores,
      guard,
      explained: async (finding) => finding,
      send: createSender({ guard, smtp: null, timeoutMs }),
      now: clock,
      random: () => 0,
      log: { error: (fields, sentence) => console.error(sentence, fields), info: () => undefined },
    })
    alerts.start('https://norms.example')
    return alerts
  }
  let alerts = begin()
  onTestFinished(async () => {
    await alerts.stop()
    await store.close()
    rmSync(folder, { recursive: true })
  })
  const record = async (run: string, ...changes: FindingChange[]) => {
    await store.runs.put(run, { project: 'toy' }, now)
    await recordIn(store, run, { changes })
  }
  return {
    store,
    outcomes: () => [...alerts.counts].map(({ channel, outcome, count }) => [channel, outcome, count]),
    clock,
    channel: (id: string, fields: Partial<StoredChannel>) =>
      store.channels.create(aChannel({ id, secret, ...fields })),
    open: (run: string, ...ids: string[]) =>
      record(
        run,
        ...ids.map((id) => ({ type: 'opened', finding: aFinding({ id, run, part: id }) }) as const),
      ),
    close: (run: string, id: string) =>
      record(run, {
        type: 'closed',
        id,
        closed_step: 900,
        closed_at: now,
        close_reason: 'recovered',
      }),
    pass(ms: number) {
      now += ms
      alerts.wake()
    },
    deliveries: async () => (await store.deliveries.list({ limit: 200 }, now)).deliveries,
    stop: () => alerts.stop(),
    restart() {
      alerts = begin()
    },
  }
}
