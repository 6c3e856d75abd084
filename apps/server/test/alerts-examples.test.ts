import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AddressGuard, systemResolve } from '../src/alerts/address-guard.ts'
import { aChannel, aFinding, aRun } from '../src/alerts/fixtures/event.ts'
import { messageOf, type Message } from '../src/alerts/messages/message.ts'
import { createSender } from '../src/alerts/kinds/kinds.ts'
import { newSecret } from '../src/alerts/signature.ts'
import type { QueuedEvent } from '../src/storage/alert-store.ts'
import { startReceiver } from './alerts-receiver.ts'

const folder = join(import.meta.dirname, '../../../examples/receivers')
const secret = newSecret()
const { tags: _tags, ...run } = aRun()

const opened = (id: string): QueuedEvent => ({
  type: 'finding.opened',
  at: 0,
  finding: aFinding({ id }),
  run,
})
const ended = {
  state: 'closed',
  closed_step: 900,
  closed_at: Date.UTC(2026, 0, 1, 13),
  close_reason: 'recovered',
} as const
const closed = (id: string): QueuedEvent => ({
  ...opened(id),
  type: 'finding.closed',
  finding: aFinding({ id, ...ended }),
})
const one = messageOf('msg_one', [opened('f-1')], 'http://n.example')
const group = messageOf('msg_group', [opened('f-2'), opened('f-3'), closed('f-1')], 'http://n.example')

/** Starts an example as its reader would, on a free port. */
async function startExample(command: string, file: string, env: Record<string, string> = {}) {
  const child = spawn(command, [join(folder, file)], {
    env: { ...process.env, NORMWATCH_WEBHOOK_SECRET: secret, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill())
  const lines: string[] = []
  const port = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`${file} ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const listening = /^listening on port (\d+)$/.exec(line)
      if (listening === null) lines.push(line)
      else resolve(Number(listening[1]))
    })
  })
  return { lines, url: `http://127.0.0.1:${port}/` }
}

function send(url: string, message: Message, { key = secret, now = Date.now() } = {}) {
  const guard = new AddressGuard('127.0.0.0/8', systemResolve)
  const sender = createSender({ guard, smtp: null, timeoutMs: 10_000 })
  return sender(message, aChannel({ url, secret: key }), { now, signal: new AbortController().signal })
}

describe.each([
  ['receiver.ts', process.execPath],
  ['receiver.py', 'python3'],
])('%s', (file, command) => {
  it('takes each genuine message once and refuses what is forged, changed or old', async () => {
    const { url, lines } = await startExample(command, file)
    expect(await send(url, one, { key: newSecret() })).toMatchObject({ status: 401 })
    expect(await send(url, one, { now: Date.now() - 600_000 })).toMatchObject({ status: 401 })
    for (const message of [one, one, group, group])
      expect(await send(url, message)).toMatchObject({ status: 204 })
    await expect.poll(() => lines.length).toBe(4)
    expect(lines[0]).toBe(
      'finding.opened warning clip_saturated in toy-rnn/clip 1.0 http://n.example/runs/run-1',
    )
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      'finding.opened',
      'finding.opened',
      'finding.opened',
      'finding.closed',
    ])
  })
})

describe('the PagerDuty forwarder', () => {
  it('triggers and resolves by the finding, and asks again when PagerDuty fails', async () => {
    let status = 429
    const pagerDuty = await startReceiver((response) => response.writeHead(status).end())
    const { url } = await startExample(process.execPath, 'pagerduty.ts', {
      PAGERDUTY_ROUTING_KEY: 'R0UT1NG',
      PAGERDUTY_URL: pagerDuty.url,
    })
    expect(await send(url, one)).toMatchObject({ status: 500 })
    status = 202
    expect(await send(url, one)).toMatchObject({ status: 204 })
    expect(await send(url, group)).toMatchObject({ status: 204 })
    const events = pagerDuty.received.slice(1).map(({ body }) => JSON.parse(body))
    expect(events[0]).toMatchObject({
      routing_key: 'R0UT1NG',
      event_action: 'trigger',
      dedup_key: 'normwatch-f-1',
      payload: { summary: 'clip_saturated in clip 1.0 (toy-rnn)', source: 'run-1', severity: 'warning' },
    })
    expect(events.map(({ event_action, dedup_key }) => `${event_action} ${dedup_key}`)).toEqual([
      'trigger normwatch-f-1',
      'trigger normwatch-f-2',
      'trigger normwatch-f-3',
      'resolve normwatch-f-1',
    ])
  })
})

describe('the Alertmanager forwarder', () => {
  it('posts alerts that last until their finding closes', async () => {
    const alertmanager = await startReceiver((response) => response.writeHead(200).end())
    const { url } = await startExample(process.execPath, 'alertmanager.ts', {
      ALERTMANAGER_URL: alertmanager.url,
    })
    expect(await send(url, group)).toMatchObject({ status: 204 })
    const alerts = JSON.parse(alertmanager.received[0]?.body ?? '[]')
    expect(alerts).toHaveLength(3)
    expect(alerts[0]).toMatchObject({
      labels: { alertname: 'normwatch_clip_saturated', run: 'run-1', finding: 'f-2', severity: 'warning' },
      startsAt: '2026-01-01T12:00:00.000Z',
      generatorURL: 'http://n.example/runs/run-1',
    })
    expect(Date.parse(alerts[0].endsAt)).toBeGreaterThan(Date.now() + 86_400_000)
    expect(alerts[2].endsAt).toBe('2026-01-01T13:00:00.000Z')
  })
})
