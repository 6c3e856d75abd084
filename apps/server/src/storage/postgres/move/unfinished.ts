import type { Statements } from '../database.ts'
import { CannotOpenDatabase } from '../errors.ts'

/** The table that is there from the first row of a move to its end; servers keep out meanwhile. */
export const MOVE_TABLE = 'normwatch_move'

/** Throws `CannotOpenDatabase` while a data folder has been moved into the database only in part. */
export async function refuseUnfinishedMove(on: Statements): Promise<void> {
  const found = await on.get<{ is: boolean }>(`select to_regclass('${MOVE_TABLE}') is not null as is`)
  if (found?.is !== true) return
  throw new CannotOpenDatabase(
    'A data folder was moved into the database only in part: let "normwatch migrate" finish it.',
  )
}
