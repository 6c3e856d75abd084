import { Counter, Gauge, type Registry } from 'prom-client'
import type { DeliveryStore } from '../storage/alert-store.ts'
import type { Outcome } from './delivery-worker.ts'

/** Puts the figures of deliveries on the metrics page. Returns the function that counts what came of a try. */
export function alertMetrics(
  registry: Registry,
  deliveries: DeliveryStore,
  now: () => number,
): (channel: string, outcome: Outcome) => void {
  const tries = new Counter({
    name: 'normwatch_deliveries_total',
    help: 'Tries to deliver a message, by channel and outcome (sent, retried, failed, disabled).',
    labelNames: ['channel', 'outcome'],
    registers: [registry],
  })
  const age = new Gauge({
    name: 'normwatch_delivery_queue_age_seconds',
    help: 'How long the oldest due message has been waiting; 0 when none is.',
    registers: [registry],
  })
  new Gauge({
    name: 'normwatch_delivery_queue_depth',
    help: 'Messages that are due and not delivered.',
    registers: [registry],
    async collect() {
      const { due, oldest_due_at } = await deliveries.queue(now())
      this.set(due)
      age.set(oldest_due_at === null ? 0 : Math.max(0, now() - oldest_due_at) / 1000)
    },
  })
  return (channel, outcome) => tries.inc({ channel, outcome })
}
