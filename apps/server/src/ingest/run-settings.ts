import {
  defaultSettings,
  parseSettings,
  type RunFacts,
  type Settings,
  type SettingsFault,
} from '@normwatch/detector'
import type { Part } from '@normwatch/protocol'
import type { Overrides } from '../storage/settings-store.ts'
import type { Store, StoredRun } from '../storage/store.ts'

/** The settings in force for a run, and the overrides behind them. */
export interface SettingsInForce {
  readonly overrides: Overrides
  readonly settings: Settings
}

/** The overrides are invalid; each detail names its place. */
export class SettingsRefused extends Error {
  override readonly name = 'SettingsRefused'
  readonly details: readonly SettingsFault[]

  constructor(details: readonly SettingsFault[]) {
    const [first] = details
    super(first && `${first.path} ${first.message}.`.trim())
    this.details = details
  }
}

/** The settings in force for a run: the defaults, overridden by its project's, overridden by its own. Throws `RunNotFound`. */
export async function settingsInForce(
  store: Store,
  { id, project }: { readonly id: string; readonly project: string },
): Promise<SettingsInForce> {
  const [ofProject, ofRun] = await Promise.all([
    store.settings.get({ project }),
    store.settings.get({ run: id }),
  ])
  // Each was valid when it was put; together they may not be, since the project's changed later. The run's own win.
  for (const overrides of [laidOver(ofProject, ofRun), ofRun, ofProject]) {
    const parsed = parseSettings(overrides, defaultSettings)
    if (parsed.ok) return { overrides, settings: parsed.settings }
  }
  return { overrides: {}, settings: defaultSettings }
}

/** The settings that a run of this project would have with these overrides of its own. Throws `SettingsRefused`. */
export async function settingsWith(store: Store, project: string, body: unknown): Promise<SettingsInForce> {
  const ofProject = await store.settings.get({ project })
  const base = checked(ofProject, defaultSettings)
  const settings = checked(body, base)
  return { overrides: laidOver(ofProject, body as Overrides), settings }
}

/** The overrides in `body` laid over `base`. Throws `SettingsRefused`. */
export function checked(body: unknown, base: Settings): Settings {
  const parsed = parseSettings(body, base)
  if (!parsed.ok) throw new SettingsRefused(parsed.faults)
  return parsed.settings
}

function laidOver(below: Overrides, above: Overrides): Overrides {
  const sections = new Set([...Object.keys(below), ...Object.keys(above)])
  return Object.fromEntries(
    [...sections].map((section) => [section, { ...below[section], ...above[section] }]),
  )
}

/** The facts about a run or a part that the detector needs: everything a judgement depends on, besides the readings. */
export function factsOf(
  { clip, optimizer }: Pick<StoredRun, 'clip' | 'optimizer'>,
  part?: Pick<Part, 'clip' | 'optimizer'>,
): RunFacts {
  return part === undefined
    ? { clip, optimizer }
    : { clip: part.clip, optimizer: part.optimizer ?? optimizer }
}
