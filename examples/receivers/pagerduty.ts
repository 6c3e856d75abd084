// Turns findings into PagerDuty incidents (Events API v2). An opened finding triggers an incident, and a closed one
// resolves it. The finding's id is the deduplication key.
//   NORMWATCH_WEBHOOK_SECRET=whsec_… PAGERDUTY_ROUTING_KEY=… PORT=8091 node pagerduty.ts
import { serveWebhooks, type WebhookEvent } from './webhook-server.ts'

const {
  NORMWATCH_WEBHOOK_SECRET: secret = '',
  PAGERDUTY_ROUTING_KEY: routingKey = '',
  PAGERDUTY_URL: url = 'https://events.pagerduty.com/v2/enqueue',
  PORT = '8091',
} = process.env

function pagerDutyEvent({ type, finding, run }: WebhookEvent) {
  const dedup = { routing_key: routingKey, dedup_key: `normwatch-${finding.id}` }
  // A test message checks the connection to PagerDuty without paging anybody.
  if (type === 'finding.closed' || type === 'channel.test') return { ...dedup, event_action: 'resolve' }
  return {
    ...dedup,
    event_action: 'trigger',
    client: 'Normwatch',
    client_url: run.url,
    payload: {
      summary: `${finding.kind} in ${run.name} (${run.project})`.slice(0, 1_024),
      source: run.id,
      severity: finding.severity,
      timestamp: finding.opened_at,
      component: run.name,
      group: run.project,
      class: finding.kind,
      custom_details: finding,
    },
  }
}

serveWebhooks(Number(PORT), secret, async (events) => {
  for (const event of events) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(pagerDutyEvent(event)),
    })
    if (!response.ok) throw new Error(`PagerDuty answered ${response.status}`)
  }
})
