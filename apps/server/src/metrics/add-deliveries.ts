import { Counter, Gauge, type Registry } from 'prom-client'
import type { Services } from '../services.ts'

/** Deliveries by channel and result, and the queue. */
export async function addDeliveries(registry: Registry, { alerts, store, now }: Services): Promise<void> {
  const tries = new Counter({
    name: 'normwatch_deliveries_total',
    help: 'Tries to deliver a message, by what came of them: sent, retried, failed, disabled.',
    labelNames: ['channel', 'outcome'],
    registers: [registry],
  })
  for (const { channel, outcome, count } of alerts.counts) tries.inc({ channel, outcome }, count)
  const at = now()
  const { due, oldest_due_at } = await store.deliveries.queue(at)
  new Gauge({
    name: 'normwatch_delivery_queue_depth',
    help: 'Messages that are due and not delivered.',
    registers: [registry],
  }).set(due)
  new Gauge({
    name: 'normwatch_delivery_queue_age_seconds',
    help: 'How long the oldest due message has waited; 0 when none is due.',
    registers: [registry],
  }).set(oldest_due_at === null ? 0 : (at - oldest_due_at) / 1000)
}
