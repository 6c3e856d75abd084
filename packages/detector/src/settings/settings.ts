import { logFactor, toLog } from '../series/log-scale.ts'
import type { SwitchSetting } from './define.ts'
import { settingsTable } from './table.ts'

type Table = typeof settingsTable

/** What decides a judgement, by section and name; a section of a finding's kind has an `enabled` switch. */
export type Settings = {
  readonly [Section in keyof Table]: {
    readonly [Name in keyof Table[Section]]: Table[Section][Name] extends SwitchSetting ? boolean : number
  }
}

export const defaultSettings: Settings = Object.fromEntries(
  Object.entries(settingsTable).map(([section, names]) => [
    section,
    Object.fromEntries(Object.entries(names).map(([name, { default: value }]) => [name, value])),
  ]),
) as Settings

/** How many of `seen` points the window holds: a tenth of them, within bounds, and never more than there are. */
export function windowSize(seen: number, { window }: Settings): number {
  return Math.min(seen, window.max, Math.max(window.min, Math.floor(seen * window.share)))
}

/** The settings that norms are compared with, on the log scale that norms are kept on. */
export interface LogThresholds {
  readonly settling: number
  readonly regime: number
  readonly spikeOpens: number
  readonly spikeCloses: number
  readonly spikeAboveAll: number
  readonly vanished: number
  readonly vanishedRelative: number
}

export function logThresholds(settings: Settings): LogThresholds {
  return {
    settling: logFactor(settings.warm_up.settling_ratio),
    regime: logFactor(settings.clip_regime_change.norm_factor),
    spikeOpens: logFactor(settings.spike.open_factor),
    spikeCloses: logFactor(settings.spike.close_factor),
    spikeAboveAll: logFactor(settings.spike.above_all),
    vanished: toLog(settings.vanishing.absolute),
    vanishedRelative: logFactor(settings.vanishing.relative),
  }
}
