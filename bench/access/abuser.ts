/** One client that knows no measure: URL TOKEN RUN CONNECTIONS. Sends full batches without a pause until it is ended. */
import { Agent, request } from 'node:http'

const [url, token, run, connections] = process.argv.slice(2) as [string, string, string, string]
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) })
const step = Array.from({ length: 10_000 }, (_, i) => i)
const columns = { step, grad_norm: step.map((i) => Math.sin(i) + 2), loss: step.map((i) => 1 / (i + 1)) }
const body = Buffer.from(JSON.stringify({ columns }))
const headers = {
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  'content-length': String(body.length),
}

function send(): void {
  const ask = request(`${url}/api/v1/runs/${run}/points`, { agent, method: 'POST', headers }, (reply) => {
    reply.resume()
    reply.once('end', send)
  })
  ask.once('error', () => setTimeout(send, 10))
  ask.end(body)
}
for (let i = 0; i < Number(connections); i++) send()
