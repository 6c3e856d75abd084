import { randomUUID } from 'node:crypto'
import type { ChannelTest } from '@normwatch/protocol'
import type { StoredChannel } from '../storage/alert-store.ts'
import type { Store } from '../storage/store.ts'
import { AddressGuard, systemResolve } from './address-guard.ts'
import { DeliveryCounts } from './delivery-counts.ts'
import { DeliveryWorker, type WorkerOptions } from './delivery-worker.ts'
import { testMessage } from './messages/message.ts'
import { createSender, SEND_TIMEOUT_MS } from './kinds/kinds.ts'

/** Channel tests that may run at once: each may hold a connection as long as a message. */
const MAX_TESTS = 8

/** Too many channels are being tested right now. */
export class TooManyTests extends Error {
  override readonly name = 'TooManyTests'
}

export interface AlertsOptions extends Omit<WorkerOptions, 'onOutcome'> {
  readonly guard: AddressGuard
}

/** The operator's settings for alerts. */
export interface AlertSettings {
  readonly webhookAllow: string
  readonly smtpUrl: string | undefined
  readonly smtpFrom: string | undefined
}

/** Alerts by the operator's settings, on the real network. */
export function openAlerts(
  { webhookAllow, smtpUrl, smtpFrom }: AlertSettings,
  { deliveries, chores }: Pick<Store, 'deliveries' | 'chores'>,
  explained: AlertsOptions['explained'],
  now: () => number,
  log: AlertsOptions['log'],
): Alerts {
  const guard = new AddressGuard(webhookAllow, systemResolve)
  const smtp = smtpUrl === undefined || smtpFrom === undefined ? null : { url: smtpUrl, from: smtpFrom }
  const send = createSender({ guard, smtp, timeoutMs: SEND_TIMEOUT_MS })
  return new Alerts({ deliveries, chores, guard, send, explained, now, random: Math.random, log })
}

/** Everything that sends: the outbox worker, and tests of channels. */
export class Alerts {
  /** Decides which addresses a channel may have. */
  readonly guard: AddressGuard
  readonly counts = new DeliveryCounts()
  readonly #options: AlertsOptions
  readonly #worker: DeliveryWorker
  readonly #stopping = new AbortController()
  #publicUrl = ''
  #tests = 0

  constructor(options: AlertsOptions) {
    this.guard = options.guard
    this.#options = options
    this.#worker = new DeliveryWorker({
      ...options,
      onOutcome: (channel, outcome) => this.counts.add(channel, outcome),
    })
  }

  /** `publicUrl` is where readers reach the dashboard: links in messages start with it. */
  start(publicUrl: string): void {
    this.#publicUrl = publicUrl
    this.#worker.start(publicUrl)
  }

  /** Checks at once for due deliveries. */
  wake(): void {
    this.#worker.wake()
  }

  /** Resolves within some seconds; what was not sent stays due. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#worker.stop()
  }

  /** Sends an example to the channel now, enabled or not, and returns the receiver's answer. Throws `TooManyTests`. */
  async test(channel: StoredChannel): Promise<ChannelTest> {
    if (this.#tests >= MAX_TESTS) throw new TooManyTests()
    const { send, now } = this.#options
    this.#tests++
    try {
      const message = testMessage(`msg_${randomUUID()}`, this.#publicUrl, now())
      const { ok, status, body, error } = await send(message, channel, {
        now: now(),
        signal: this.#stopping.signal,
      })
      return { ok, status, body, error }
    } finally {
      this.#tests--
    }
  }
}
