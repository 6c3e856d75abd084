import { logFactor, toLog } from './log-scale.ts'
import type { Settings } from './settings.ts'

/** The settings that norms are compared with, on the log scale that norms are kept on. */
export interface Bars {
  readonly settling: number
  readonly regime: number
  readonly spikeOpens: number
  readonly spikeCloses: number
  readonly vanished: number
  readonly vanishedRelative: number
}

export function barsOf(settings: Settings): Bars {
  return {
    settling: logFactor(settings.warm_up.settling_ratio),
    regime: logFactor(settings.clip_regime_change.norm_factor),
    spikeOpens: logFactor(settings.spike.open_factor),
    spikeCloses: logFactor(settings.spike.close_factor),
    vanished: toLog(settings.vanishing.absolute),
    vanishedRelative: logFactor(settings.vanishing.relative),
  }
}
