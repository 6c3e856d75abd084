import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { newToken } from '../../../access/identity/tokens.ts'
import { describeSessionStore } from '../../session-store.contract.ts'
import { describeTokenStore } from '../../token-store.contract.ts'
import { openSqliteStore } from '../open.ts'
import { openTokensFile } from '../open-tokens-file.ts'

const root = mkdtempSync(join(tmpdir(), 'normwatch-'))
afterAll(() => rmSync(root, { recursive: true }))
const emptyFolder = () => mkdtempSync(join(root, 'data-'))

describeSessionStore('sqlite', () => openSqliteStore({ folder: emptyFolder() }))
describeTokenStore('sqlite', () => openSqliteStore({ folder: emptyFolder() }))

it('lets the command line make and revoke tokens while a server holds the folder', async () => {
  const folder = emptyFolder()
  const store = await openSqliteStore({ folder })
  const { token } = newToken({ name: 'ci', scope: 'write' }, 1_000, 'a test')
  const file = await openTokensFile(folder)
  try {
    expect(await store.tokens.any()).toBe(false)
    await file.tokens.create(token)
    expect(await store.tokens.byHash(token.hash)).toEqual(token)
    await store.tokens.used(token.id, 2_000)
    await file.tokens.revoke(token.id, 3_000)
    expect(await store.tokens.byId(token.id)).toEqual({ ...token, last_used_at: 2_000, revoked_at: 3_000 })
  } finally {
    await file.close()
    await store.close()
  }
})

it('makes the folder for a first token when no server was there yet', async () => {
  const folder = join(emptyFolder(), 'new')
  const { token } = newToken({ name: 'first', scope: 'admin' }, 1_000, 'a test')
  const file = await openTokensFile(folder)
  await file.tokens.create(token)
  await file.close()
  const store = await openSqliteStore({ folder })
  expect(await store.tokens.list()).toEqual([token])
  await store.close()
})
