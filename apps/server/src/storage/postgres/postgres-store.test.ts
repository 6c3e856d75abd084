import { describeAuditStore } from '../audit-store.contract.ts'
import { describeAlertStore, type OpenWithClock } from '../alert-store.contract.ts'
import { groupedBy } from '../../alerts/grouping.ts'
import { describeChannelStore } from '../channel-store.contract.ts'
import { describeDeliveryClaims } from '../delivery-claims.contract.ts'
import { describeCharts } from '../charts.contract.ts'
import { describeEvents } from '../event-store.contract.ts'
import { describeFindings } from '../finding-store.contract.ts'
import { describeLimits } from '../limit-store.contract.ts'
import { describeLargeRuns } from '../large-runs.contract.ts'
import { describeProjectLists } from '../project-lists.contract.ts'
import { describeRuns } from '../runs.contract.ts'
import { describeSettings } from '../settings-store.contract.ts'
import { describeStore } from '../store.contract.ts'
import type { Store } from '../store.ts'
import { describeSessionStore } from '../session-store.contract.ts'
import { describeTokenStore } from '../token-store.contract.ts'
import { describeUpkeep } from '../upkeep.contract.ts'
import { ask, askEverywhere, migratedDatabase, restoredBackup } from '../../../test/postgres.ts'
import { openPostgresStore } from './open.ts'

const openEmpty = async () => openPostgresStore({ url: await migratedDatabase() })

async function openReopenable() {
  const url = await migratedDatabase()
  let store: Store = await openPostgresStore({ url })
  return {
    url,
    store,
    reopen: async () => {
      await store.close()
      return (store = await openPostgresStore({ url }))
    },
  }
}

/** Bytes of the database once an operator has had it vacuumed: else PostgreSQL keeps the pages for the next rows. */
async function vacuumedSize(url: string): Promise<number> {
  for (const table of ['leaves', 'summaries', 'tail']) await ask(url, `vacuum full ${table}`)
  const sizes = await askEverywhere<{ bytes: string }>(
    url,
    'select pg_database_size(current_database()) as bytes',
  )
  return sizes.flat().reduce((sum, { bytes }) => sum + Number(bytes), 0)
}

async function openUpkept() {
  const { url, ...opened } = await openReopenable()
  return {
    ...opened,
    openBackup: async () => openPostgresStore({ url: await restoredBackup(url) }),
    size: () => vacuumedSize(url),
  }
}

const openWithClock: OpenWithClock = async (now) =>
  openPostgresStore({ url: await migratedDatabase(), alerts: { rules: groupedBy(30), now } })

describeStore('postgres', openEmpty)
describeRuns('postgres', openEmpty)
describeSettings('postgres', openEmpty)
describeLimits('postgres', openEmpty)
describeEvents('postgres', openEmpty)
describeSessionStore('postgres', openEmpty)
describeTokenStore('postgres', openEmpty)
describeAuditStore('postgres', async () => {
  const url = await migratedDatabase()
  return { store: await openPostgresStore({ url }), tamper: async (sql) => void (await ask(url, sql)) }
})
describeAlertStore('postgres', openWithClock)
describeChannelStore('postgres', openWithClock)
describeProjectLists('postgres', openWithClock)
describeDeliveryClaims('postgres', openWithClock)
describeFindings('postgres', openEmpty)
describeCharts('postgres', openReopenable)
describeLargeRuns('postgres', openReopenable)
describeUpkeep('postgres', openUpkept)
