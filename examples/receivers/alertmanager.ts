// Turns findings into Alertmanager alerts (API v2).
//   NORMWATCH_WEBHOOK_SECRET=whsec_… ALERTMANAGER_URL=http://127.0.0.1:9093 PORT=8092 node alertmanager.ts
import { serveWebhooks, type WebhookEvent } from './webhook-server.ts'

const {
  NORMWATCH_WEBHOOK_SECRET: secret = '',
  ALERTMANAGER_URL: url = 'http://127.0.0.1:9093',
  PORT = '8092',
} = process.env

// Alertmanager resolves an alert that is not repeated for some minutes, unless its end time is far in the future.
const OPEN_FOR_MS = 30 * 24 * 60 * 60 * 1000
const TEST_FOR_MS = 60 * 1000

function alert({ type, finding, run }: WebhookEvent) {
  const openFor = type === 'channel.test' ? TEST_FOR_MS : OPEN_FOR_MS
  return {
    labels: {
      alertname: `normwatch_${finding.kind}`,
      severity: finding.severity,
      project: run.project,
      run: run.id,
      finding: finding.id,
    },
    annotations: {
      summary: `${finding.kind} in ${run.name}`,
      description: finding.diagnosis.map(({ because }) => because).join('\n') || 'The record shows no cause.',
    },
    startsAt: finding.opened_at,
    endsAt: finding.closed_at ?? new Date(Date.now() + openFor).toISOString(),
    generatorURL: run.url,
  }
}

serveWebhooks(Number(PORT), secret, async (events) => {
  const response = await fetch(new URL('/api/v2/alerts', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events.map(alert)),
  })
  if (!response.ok) throw new Error(`Alertmanager answered ${response.status}`)
})
