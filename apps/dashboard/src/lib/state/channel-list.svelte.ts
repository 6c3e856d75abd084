import type { Channel } from '@normwatch/protocol'
import type { AlertsApi } from '#lib/api/alerts.ts'
import { sentenceOf } from '#lib/api/failure.ts'

/** The channels of the server, for their page. */
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
  get phase(): 'loading' | 'ready' | 'failed' {
    return this.#phase
  }
  get failure(): string {
    return this.#failure
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
