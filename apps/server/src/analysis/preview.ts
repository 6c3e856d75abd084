import type { PreviewReply } from '@normwatch/protocol'
import { Replay } from '../ingest/replay.ts'
import { settingsWith } from '../ingest/run-settings.ts'
import type { Store } from '../storage/store.ts'
import { toFinding } from '../storage/to-wire.ts'

/**
 * Judges a run's record as if these overrides were its own, and stores nothing. The findings' ids are good for this
 * reply alone. Throws `RunNotFound`, `SettingsRefused`.
 */
export async function preview(
  store: Store,
  id: string,
  overrides: unknown,
  now: number,
): Promise<PreviewReply> {
  const run = await store.runs.get(id)
  const inForce = await settingsWith(store, run.project, overrides)
  const replay = new Replay(store, run, inForce)
  await replay.catchUp()
  const stalled = run.conditions.some(({ kind, finding }) => kind === 'stalled' && finding !== null)
  const findings = replay.finish(run, stalled, now)
  const { health, conditions } = replay.judged.judgement
  return {
    settings: inForce.settings,
    health,
    conditions: [...conditions],
    findings: findings.map(toFinding),
  }
}
