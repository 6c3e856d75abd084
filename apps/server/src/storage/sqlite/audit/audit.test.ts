import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { describeAuditStore } from '../../audit-store.contract.ts'
import { verifyChain } from '../../audit/verify.ts'
import { FILE } from '../engine/data-folder.ts'
import { openDatabase } from '../engine/database.ts'
import { openTokensFile } from '../open-tokens-file.ts'
import { openSqliteStore } from '../open.ts'

const root = mkdtempSync(join(tmpdir(), 'normwatch-'))
afterAll(() => rmSync(root, { recursive: true }))
const emptyFolder = () => mkdtempSync(join(root, 'data-'))

describeAuditStore('sqlite', async () => {
  const folder = emptyFolder()
  return {
    store: await openSqliteStore({ folder }),
    tamper: async (sql) => {
      const db = openDatabase(join(folder, FILE))
      db.exec(sql)
      db.close()
    },
  }
})

it('is one chain for the server and the command line', async () => {
  const folder = emptyFolder()
  const store = await openSqliteStore({ folder })
  const file = await openTokensFile(folder)
  const entry = { actor_id: null, target_kind: 'token', target: 't', project: null, address: null } as const
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? store : file).audit.record({
        ...entry,
        at: i,
        actor: 'command line',
        action: 'token.create',
        detail: null,
      }),
    ),
  )
  expect(await verifyChain(store.audit)).toMatchObject({ ok: true, entries: 20 })
  await file.close()
  await store.close()
})
