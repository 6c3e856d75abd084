import type { PreviewReply } from '@normwatch/protocol'
import { Replay } from '../ingest/replay.ts'
import { settingsWith } from '../ingest/run-settings.ts'
import type { Store } from '../storage/store.ts'
import { toFinding } from '../storage/to-wire.ts'
import { partOf } from './part-of.ts'

/**
 * Judges a run's record as if these overrides were its own, and stores nothing; with `part`, the reply speaks of that part
 * alone. The findings' ids are valid only within this reply. Throws `RunNotFound`, `PartNotFound`, `SettingsRefused`.
 */
export async function preview(
  store: Store,
  id: string,
  overrides: unknown,
  now: number,
  part?: string,
): Promise<PreviewReply> {
  const run = await store.runs.get(id)
  partOf(run, part)
  const inForce = await settingsWith(store, run.project, overrides)
  const replay = new Replay(store, run, inForce)
  await replay.catchUp()
  const stalled = run.conditions.some(({ kind, finding }) => kind === 'stalled' && finding !== null)
  const findings = replay.finish(run, stalled, now)
  const { health, conditions, parts } = replay.judged.judgement
  const isWanted = (one: { part: string | null }) => part === undefined || one.part === part
  return {
    settings: inForce.settings,
    health: parts.find(({ name }) => name === part)?.health ?? health,
    conditions: conditions.filter(isWanted),
    findings: findings.filter(isWanted).map(toFinding),
  }
}
