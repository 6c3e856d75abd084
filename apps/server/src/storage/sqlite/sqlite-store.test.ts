import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { describeCharts } from '../charts.contract.ts'
import { describeEvents } from '../event-store.contract.ts'
import { describeFindings } from '../finding-store.contract.ts'
import { describeLimits } from '../limit-store.contract.ts'
import { describeLargeRuns } from '../large-runs.contract.ts'
import { describeRuns } from '../runs.contract.ts'
import { describeSettings } from '../settings-store.contract.ts'
import { describeStore } from '../store.contract.ts'
import type { Store } from '../store.ts'
import { describeUpkeep } from '../upkeep.contract.ts'
import { backUpSqlite } from './upkeep/backup.ts'
import { FILE } from './engine/data-folder.ts'
import { openSqliteStore } from './open.ts'

const root = mkdtempSync(join(tmpdir(), 'normwatch-'))
afterAll(() => rmSync(root, { recursive: true }))
const emptyFolder = () => mkdtempSync(join(root, 'data-'))

const openEmpty = () => openSqliteStore({ folder: emptyFolder() })

async function openReopenable() {
  const folder = emptyFolder()
  let store: Store = await openSqliteStore({ folder })
  return {
    folder,
    store,
    reopen: async () => {
      await store.close()
      return (store = await openSqliteStore({ folder }))
    },
  }
}

async function openUpkept() {
  const { folder, ...opened } = await openReopenable()
  return {
    ...opened,
    openBackup: () => {
      const copy = emptyFolder()
      backUpSqlite(folder, join(copy, FILE))
      return openSqliteStore({ folder: copy })
    },
    size: () => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0),
  }
}

describeStore('sqlite', openEmpty)
describeRuns('sqlite', openEmpty)
describeSettings('sqlite', openEmpty)
describeLimits('sqlite', openEmpty)
describeEvents('sqlite', openEmpty)
describeFindings('sqlite', openEmpty)
describeCharts('sqlite', openReopenable)
describeLargeRuns('sqlite', openReopenable)
describeUpkeep('sqlite', openUpkept)
