import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NewToken } from '@normwatch/protocol'
import { newToken } from '../src/access/identity/tokens.ts'
import { findDashboard, type Dashboard } from '../src/plugins/dashboard-files.ts'
import type { StoredToken } from '../src/storage/token-store.ts'
import { tempFolder, type TestApp } from './start-app.ts'

/** A dashboard of one page and one script, in a folder of its own. */
export async function dashboardFixture(basePath = ''): Promise<Dashboard> {
  const folder = await tempFolder()
  await mkdir(join(folder, '_app'))
  await writeFile(join(folder, '_app/start.js'), 'export {}')
  await writeFile(join(folder, '_app/page-files.json'), '{}')
  await writeFile(
    join(folder, 'index.html'),
    '<!doctype html><link href="/_app/start.js" rel="modulepreload"><script>{ base: "" }; import("/_app/start.js")</script>',
  )
  return findDashboard(folder, basePath) as Dashboard
}

/** Makes a token in the store, as the command line does, and gives its secret. */
export async function makeToken(
  { services: { store } }: Pick<TestApp, 'services'>,
  fields: Partial<NewToken> & Pick<NewToken, 'scope'>,
  more: Partial<StoredToken> = {},
): Promise<{ id: string; secret: string }> {
  const { token, secret } = newToken({ name: fields.scope, ...fields }, Date.now(), 'a test')
  await store.tokens.create({ ...token, ...more })
  return { id: token.id, secret }
}

export const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })
