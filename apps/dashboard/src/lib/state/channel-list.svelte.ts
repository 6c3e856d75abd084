import type { Channel } from '@normwatch/protocol'
import type { AlertsApi } from '#lib/api/alerts.ts'
import { sentenceOf } from '#lib/api/failure.ts'

/** Milliseconds between two looks at the channels while the page is seen. */
const EVERY = 60_000

/** The channels of the server, for their page and for the banner that says which of them fail. */
export class ChannelList {
  readonly #api: AlertsApi
  #channels = $state.raw<readonly Channel[]>([])
  #phase = $state<'loading' | 'ready' | 'failed'>('loading')
  #failure = $state('')

  constructor(api: AlertsApi) {
    this.#api = api
  }

  get all(): readonly Channel[] {
    return this.#channels
  }
  /** Those that messages are lost in: the last try failed, or a failure switched them off. */
  get failing(): readonly Channel[] {
    return this.#channels.filter(({ enabled, failing }) => enabled && failing !== null)
  }
  get phase(): 'loading' | 'ready' | 'failed' {
    return this.#phase
  }
  get failure(): string {
    return this.#failure
  }

  /** Reads the channels now and every minute, until the returned function is called. */
  follow(): () => void {
    void this.load()
    const timer = setInterval(() => document.visibilityState === 'visible' && void this.load(), EVERY)
    return () => clearInterval(timer)
  }

  load = async (): Promise<void> => {
    try {
      this.#channels = (await this.#api.channels()).channels
      this.#phase = 'ready'
    } catch (error) {
      this.#failure = sentenceOf(error)
      if (this.#phase === 'loading') this.#phase = 'failed'
    }
  }
}
