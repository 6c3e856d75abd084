import { getContext, setContext } from 'svelte'
import { LiveSocket, type Listener, type LiveState, type Socket, type Watch } from '#lib/state/live-socket.ts'

/** The page's one connection to what happens now, with its state for the banner. */
export class LiveConnection {
  #state = $state<LiveState>('off')
  #lostAt = $state<number | null>(null)
  readonly #socket: LiveSocket

  /** `address` is where the socket is, `http:` or `https:`. */
  constructor(address: string) {
    this.#socket = new LiveSocket({
      open: () => new WebSocket(address.replace(/^http/, 'ws')) as Socket,
      random: Math.random,
      setTimer: (action, milliseconds) => setTimeout(action, milliseconds),
      clearTimer: (timer) => clearTimeout(timer),
      onState: (state) => this.#changed(state),
    })
  }

  get state(): LiveState {
    return this.#state
  }

  /** When what is on screen was last known to be current, in milliseconds; `null` while it is. */
  get lostAt(): number | null {
    return this.#lostAt
  }

  watch(watch: Watch, listener: Listener): () => void {
    return this.#socket.watch(watch, listener)
  }

  retryNow(): void {
    this.#socket.retryNow()
  }

  #changed(state: LiveState): void {
    this.#state = state
    if (state === 'open' || state === 'off') this.#lostAt = null
    else if (state === 'waiting') this.#lostAt ??= Date.now()
  }
}

const KEY = Symbol('live connection')
export const provideLiveConnection = (connection: LiveConnection): LiveConnection =>
  setContext(KEY, connection)
export const useLiveConnection = (): LiveConnection => getContext<LiveConnection>(KEY)
