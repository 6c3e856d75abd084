import type { Database } from 'better-sqlite3'
import type { FindingStore } from '../store.ts'
import type { GroupCommit } from './group-commit.ts'
import { listFindings } from './list-findings.ts'
import { recordChanges } from './record-changes.ts'
import type { Residents } from './residents.ts'
import type { Tables } from './tables-at-hand.ts'

export function openFindings(
  db: Database,
  tables: Tables,
  residents: Residents,
  commits: GroupCommit,
): FindingStore {
  return {
    list: async (query) => commits.read(() => listFindings(db, query)),

    record: (run, judgement, changes, state) =>
      commits.run(() => {
        const resident = residents.open(run)
        residents.touch(resident)
        resident.judge(judgement)
        recordChanges(tables, resident, changes)
        residents.writeOut(resident, state)
        return resident.run
      }),
  }
}
