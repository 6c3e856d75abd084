import type { Channel } from '@normwatch/protocol'
import type { AlertsApi } from '#lib/api/alerts.ts'
import { sentenceOf } from '#lib/api/failure.ts'

/** Milliseconds between two fetches of the channels while a page is visible. */
const LOOK_EVERY = 60_000

/** The channels of the server: for their page, and for every page to say that one fails. */
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
  /** Enabled channels whose last message failed. */
  get failing(): readonly FailingChannel[] {
    return this.#channels.filter(isFailing)
  }
  /** What a channel is called; `undefined` where that is not known, as to those who may not see channels. */
  nameOf(id: string): string | undefined {
    return this.#channels.find((channel) => channel.id === id)?.name
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

  /** Reads the channels now, each minute, and when the page becomes visible, until the returned function is called. */
  attend(): () => void {
    const look = () => void (document.visibilityState === 'visible' && this.load())
    look()
    const timer = setInterval(look, LOOK_EVERY)
    document.addEventListener('visibilitychange', look)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }
}

type FailingChannel = Channel & { readonly failing: NonNullable<Channel['failing']> }
const isFailing = (channel: Channel): channel is FailingChannel => channel.enabled && channel.failing !== null
