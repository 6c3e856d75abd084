import type { Session } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'

/** Who uses these pages, as the server said when they opened: signing in and out open them anew. */
export class SessionState {
  #session = $state.raw<Session | null>(null)

  constructor(api: Pick<Api, 'session'>) {
    // Without an answer nobody is known; the page itself says that the server is away.
    api.session().then(
      (session) => (this.#session = session),
      () => undefined,
    )
  }

  /** Whose token this browser signed in with; `null` where there is none, and where none is asked for. */
  get signedIn(): Session['caller'] {
    return this.#session?.open === false ? this.#session.caller : null
  }
  /** Whether runs may be looked at, and told of. */
  get mayRead(): boolean {
    const scope = this.#session?.caller?.scope
    return scope === 'read' || scope === 'admin'
  }
  /** Whether channels, mutes and tokens may be seen and changed. */
  get isAdmin(): boolean {
    const caller = this.#session?.caller
    return caller?.scope === 'admin' && caller.project === null
  }
}
