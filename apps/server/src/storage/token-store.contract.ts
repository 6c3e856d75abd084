import { MAX_TOKENS } from '@normwatch/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from './store.ts'
import type { StoredSession } from './session-store.ts'
import { aToken } from './store.fixture.ts'
import { TokenNotFound, TooManyTokens } from './token-store.ts'

const session = (hash: string, token: string, expires_at: number): StoredSession => ({
  hash,
  token,
  opened_at: 1_000,
  expires_at,
  person: null,
  id_token: null,
})

/** What every engine promises of tokens and sessions. `open` gives an empty store each time. */
export function describeTokenStore(engine: string, open: () => Promise<Store>): void {
  describe(`${engine} store of tokens`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    it('finds a token by its hash and by its id, and lists the oldest first', async () => {
      const [a, b] = [
        aToken('a', { created_at: 2_000 }),
        aToken('b', {
          project: 'p',
          projects: '["a","b-*"]',
          addresses: '10.0.0.0/8,::1',
          created_by: 'a',
          scope: 'admin',
          expires_at: 9,
        }),
      ]
      await store.tokens.create(a)
      await store.tokens.create(b)
      expect(await store.tokens.byHash('hash of a')).toEqual(a)
      expect(await store.tokens.byId('b')).toEqual(b)
      expect(await store.tokens.byHash('hash of c')).toBeUndefined()
      expect(await store.tokens.byId('c')).toBeUndefined()
      expect(await store.tokens.list()).toEqual([b, a])
    })

    it('makes a first token once, whoever else is making one', async () => {
      const made = await Promise.all(['a', 'b', 'c'].map((id) => store.tokens.createFirst(aToken(id))))
      expect(made.filter(Boolean)).toHaveLength(1)
      const [first] = await store.tokens.list()
      await store.tokens.revoke(first?.id ?? '', 2_000)
      expect(await store.tokens.createFirst(aToken('d'))).toBe(false)
      expect(await store.tokens.list()).toHaveLength(1)
    })

    it('remembers that there was a token after it is revoked', async () => {
      expect(await store.tokens.any()).toBe(false)
      await store.tokens.create(aToken('a'))
      await store.tokens.revoke('a', 5_000)
      expect(await store.tokens.any()).toBe(true)
    })

    it('revokes once, ends the sessions of the token and no others', async () => {
      await store.tokens.create(aToken('a'))
      await store.tokens.openSession(session('s', 'a', 9_000), 1_000)
      await store.tokens.openSession(session('t', 'b', 9_000), 1_000)
      expect(await store.tokens.revoke('a', 5_000)).toEqual(aToken('a', { revoked_at: 5_000 }))
      expect(await store.tokens.revoke('a', 6_000)).toEqual(aToken('a', { revoked_at: 5_000 }))
      expect(await store.tokens.session('s')).toBeUndefined()
      expect(await store.tokens.session('t')).toEqual(session('t', 'b', 9_000))
      await expect(store.tokens.revoke('c', 1)).rejects.toBeInstanceOf(TokenNotFound)
    })

    it('notes the last use, and forgets sessions that are over or closed', async () => {
      await store.tokens.create(aToken('a'))
      await store.tokens.used('a', 7_000)
      await store.tokens.used('gone', 7_000)
      expect(await store.tokens.byId('a')).toEqual(aToken('a', { last_used_at: 7_000 }))
      await store.tokens.openSession(session('s', 'a', 2_000), 1_000)
      await store.tokens.openSession(session('t', 'a', 9_000), 2_000)
      expect(await store.tokens.session('s')).toBeUndefined()
      await store.tokens.closeSession('t')
      await store.tokens.closeSession('t')
      expect(await store.tokens.session('t')).toBeUndefined()
    })

    it(`keeps at most ${MAX_TOKENS} tokens`, async () => {
      await Promise.all(Array.from({ length: MAX_TOKENS }, (_, i) => store.tokens.create(aToken(`t${i}`))))
      await expect(store.tokens.create(aToken('more'))).rejects.toBeInstanceOf(TooManyTokens)
      expect(await store.tokens.list()).toHaveLength(MAX_TOKENS)
    })
  })
}
