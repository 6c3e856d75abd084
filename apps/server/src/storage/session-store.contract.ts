import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAX_LISTED_SESSIONS, SignInReplayed, type StoredSession } from './session-store.ts'
import type { Store } from './store.ts'

const person = {
  issuer: 'https://id.example',
  subject: 'ada',
  name: 'Ada',
  email: 'ada@id.example',
  groups: ['ml'],
}
/** A session whose hash begins with `digits`. */
const session = (digits: string, more: Partial<StoredSession> = {}): StoredSession => ({
  hash: digits.padEnd(64, '0'),
  token: 'ada',
  opened_at: 1_000,
  expires_at: 9_000,
  person: null,
  id_token: null,
  ...more,
})

/** What every engine promises of sessions. `open` gives an empty store each time. */
export function describeSessionStore(engine: string, open: () => Promise<Store>): void {
  describe(`${engine} store of sessions`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    it('gives back who signed in, by the hash and by its first digits', async () => {
      const opened = session('a1', { person, id_token: 'x.y.z' })
      await store.tokens.openSession(opened, 1_000)
      expect(await store.tokens.session(opened.hash)).toEqual(opened)
      expect(await store.tokens.sessionById(opened.hash.slice(0, 32))).toEqual(opened)
      expect(await store.tokens.sessionById(opened.hash.slice(0, 31))).toBeUndefined()
    })

    it('lists the newest first, those of one opener, and none that is over', async () => {
      const old = session('a', { opened_at: null })
      const first = session('b', { opened_at: 2_000, token: 'bob', expires_at: 5_000 })
      const last = session('c', { opened_at: 3_000 })
      for (const one of [first, old, last]) await store.tokens.openSession(one, 1_000)
      expect(await store.tokens.sessions(1_000)).toEqual([last, first, old])
      expect(await store.tokens.sessions(1_000, 'ada')).toEqual([last, old])
      expect(await store.tokens.sessions(5_000)).toEqual([last, old])
    })

    it(`lists at most ${MAX_LISTED_SESSIONS}`, async () => {
      const count = MAX_LISTED_SESSIONS + 1
      const digits = (i: number) => i.toString(16).padStart(4, '0')
      await Promise.all(
        Array.from({ length: count }, (_, i) => store.tokens.openSession(session(digits(i)), 1_000)),
      )
      expect(await store.tokens.sessions(1_000)).toHaveLength(MAX_LISTED_SESSIONS)
    })

    it('opens one session out of one sign-in, even of two at once', async () => {
      const tries = ['a', 'b'].map((digits) => store.tokens.openSession(session(digits), 1_000, 'state'))
      const settled = await Promise.allSettled(tries)
      const refused = settled.filter(({ status }) => status === 'rejected')
      expect(refused).toMatchObject([{ reason: expect.any(SignInReplayed) }])
      expect(await store.tokens.sessions(1_000)).toHaveLength(1)
      await store.tokens.openSession(session('c'), 1_000, 'another')
      await expect(store.tokens.openSession(session('d'), 2_000, 'state')).rejects.toBeInstanceOf(
        SignInReplayed,
      )
    })
  })
}
