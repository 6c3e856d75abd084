// Prints the messages that Normwatch sends. Node 22.18 or newer, standard library only:
//   NORMWATCH_WEBHOOK_SECRET=whsec_… PORT=8090 node receiver.ts
import { serveWebhooks } from './webhook-server.ts'

const { NORMWATCH_WEBHOOK_SECRET: secret = '', PORT = '8090' } = process.env

serveWebhooks(Number(PORT), secret, (events) => {
  for (const { type, finding, run } of events) {
    console.log(`${type} ${finding.severity} ${finding.kind} in ${run.project}/${run.name} ${run.url}`)
  }
})
