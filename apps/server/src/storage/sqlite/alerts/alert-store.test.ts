import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { aChannel, aFinding } from '../../../alerts/fixtures/event.ts'
import { groupedBy } from '../../../alerts/grouping.ts'
import { describeAlertStore, type OpenWithClock } from '../../alert-store.contract.ts'
import { describeChannelStore } from '../../channel-store.contract.ts'
import { describeProjectLists } from '../../project-lists.contract.ts'
import { describeDeliveryClaims } from '../../delivery-claims.contract.ts'
import { record } from '../../store.fixture.ts'
import { openSqliteStore } from '../open.ts'

const root = mkdtempSync(join(tmpdir(), 'normwatch-alerts-'))
afterAll(() => rmSync(root, { recursive: true }))
const emptyFolder = () => mkdtempSync(join(root, 'data-'))

const open: OpenWithClock = (now) =>
  openSqliteStore({ folder: emptyFolder(), alerts: { rules: groupedBy(30), now } })
describeAlertStore('sqlite', open)
describeChannelStore('sqlite', open)
describeProjectLists('sqlite', open)
describeDeliveryClaims('sqlite', open)

it('gives up at its opening what a former process was trying', async () => {
  const folder = emptyFolder()
  const alerts = { rules: groupedBy(0), now: () => 1_000 }
  const claim = { now: 1_000, leaseMs: 60_000, limit: 1, except: [] }
  const first = await openSqliteStore({ folder, alerts })
  await first.runs.put('run-1', {}, 0)
  await first.channels.create(aChannel())
  await record(first, 'run-1', { changes: [{ type: 'opened', finding: aFinding() }] })
  const [claimed] = await first.deliveries.claim(claim)
  expect(await first.deliveries.claim(claim)).toEqual([])
  await first.close()
  const second = await openSqliteStore({ folder, alerts })
  expect(await second.deliveries.claim(claim)).toEqual([{ ...claimed, tries: 2, claim: expect.any(String) }])
  await second.close()
})
