import type { Scope, Session } from '@normwatch/protocol'
import { isAmong, projectsFor, type Projects } from '@normwatch/protocol/projects'
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
  /** Whether nobody is signed in who could do anything: the next request leads to the sign-in page. */
  get isSignedOut(): boolean {
    return this.#isAsked && (this.#session?.caller ?? null) === null
  }
  /** Whether this person may do something in a project; while that is not known yet, they may not. */
  may(scope: Scope, project: string): boolean {
    return isAmong(this.#where(scope), project)
  }
  /** Whether this person may do something in any project. */
  mayAnywhere(scope: Scope): boolean {
    const where = this.#where(scope)
    return where === 'all' || where.length > 0
  }
  /** Whether this person may read runs and findings. */
  get mayRead(): boolean {
    return this.mayAnywhere('read')
  }
  /** Whether channels and tokens may be seen and changed: they concern the whole server. */
  get isAdmin(): boolean {
    return this.#where('admin') === 'all'
  }

  #where(scope: Scope): Projects {
    return projectsFor(this.#session?.caller?.grants ?? [], scope)
  }
}
