import { othersTurns } from '../in-slices.ts'
import type { RunningRun, RunStore } from './store.ts'

/** Some milliseconds of reading. */
const RUNS_A_PAGE = 500

/** Every run whose status is `running`, page by page; others are served between the pages, since there may be many. */
export async function* runningRuns(
  runs: Pick<RunStore, 'running'>,
): AsyncGenerator<readonly RunningRun[], void> {
  for (let cursor: string | undefined; ; await othersTurns()) {
    const page = await runs.running({ limit: RUNS_A_PAGE, cursor })
    yield page.runs
    if (page.next_cursor === null) return
    cursor = page.next_cursor
  }
}
