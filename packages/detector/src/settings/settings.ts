import type { SettingsOf } from './define.ts'
import type { general } from './general.ts'
import { logFactor, toLog } from '../series/log-scale.ts'

type General = typeof general

/** The sections of the settings. The file of each kind of finding adds its own, which has an `enabled` switch. */
export interface Sections {
  readonly window: SettingsOf<General['window']>
  readonly warm_up: SettingsOf<General['warm_up']>
  readonly health: SettingsOf<General['health']>
}

/** The values of all settings, by section and name. */
export type Settings = { readonly [Section in keyof Sections]: Sections[Section] }

/** The name of a kind of finding on the wire. */
export type FindingKind = Exclude<keyof Sections, keyof General>

/** How many of `seen` points the window holds: a tenth of them, within bounds, and never more than there are. */
export function windowSize(seen: number, { window }: Settings): number {
  const share = seen * window.share
  if (share >= window.max) return window.max
  return Math.min(seen, window.max, Math.max(window.min, Math.floor(share)))
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
