import type { Grant, Session } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'

/** The signed-in user as of loading the pages: signing in and out reload them. */
export class SessionState {
  #session = $state.raw<Session | null>(null)
  #isAsked = $state(false)

  constructor(api: Pick<Api, 'session'>) {
    // Without an answer the caller stays unknown; the page itself says that the server is away.
    api
      .session()
      .then(
        (session) => (this.#session = session),
        () => undefined,
      )
      .finally(() => (this.#isAsked = true))
  }

  /** Whether the server has not answered yet. */
  get isUnknown(): boolean {
    return !this.#isAsked
  }
  /** The provider that people sign in with; `null`: they need a token. */
  get provider(): Session['provider'] {
    return this.#session?.provider ?? null
  }

  /** Whose token this browser signed in with; `null` when signed out, and on an open server. */
  get signedIn(): Session['caller'] {
    return this.#session?.open === false ? this.#session.caller : null
  }
  /** Whether this person may read runs and findings, of any project. */
  get mayRead(): boolean {
    return this.#grants.some(({ scope }) => scope === 'read' || scope === 'admin')
  }
  /** Whether channels, mutes and tokens may be seen and changed. */
  get isAdmin(): boolean {
    return this.#grants.some(({ scope, projects }) => scope === 'admin' && projects === 'all')
  }

  get #grants(): readonly Grant[] {
    return this.#session?.caller?.grants ?? []
  }
}
