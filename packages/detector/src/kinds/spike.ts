import { count, number, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, openFinding } from './findings.ts'
import type { Fold } from '../record/fold.ts'
import { addToBaseline, restartBaseline } from '../record/baseline.ts'
import { fromLog } from '../series/log-scale.ts'
import { ROBUST_SD } from '../record/losses.ts'
import { BLOCK } from '../record/state.ts'
import { newRing, type Ring } from '../series/ring.ts'
import { significant } from '../series/round.ts'

const KIND = 'spike'

export const spike = {
  name: KIND,
  severity: 'info',
  title: 'Gradient norm spike',
  severityNote: 'the tenth in 1,000 points a warning',
  condition: 'a spike of the norm',
  opens:
    'robust z of log(norm) ≥ 7 against the last 128 quiet norms, and ≥ 3 × their median; outside warm-up. Or ≥ 100 × every norm before, of at least five',
  closes: 'z < 4 or < 1.5 × the median; after 20 points it is a new level, and the baseline starts again',
  causes: ['outlier_batches', 'not_unscaled', 'one_layer', 'inputs_changed', 'noted_event'],
  figures: {
    norm: 'pre-clip norm',
    baseline_median: 'baseline median',
    times_median: 'times the median',
    robust_z: 'robust z of log norm',
    baseline: 'baseline, logged points',
    spikes: 'spikes lately',
  },
  settings: {
    enabled: on,
    open_z: number(7, [2, 100], 'Seven robust deviations of log(norm): heavy tails reach 5 often, 7 rarely.'),
    close_z: number(4, [0.5, 100], 'Well below the opening bar, so that one excursion is one finding.'),
    open_factor: number(
      3,
      [1.1, 1000],
      'On a very quiet baseline a rise too small to matter is many deviations.',
    ),
    close_factor: number(1.5, [1, 1000], 'Half of the opening factor, for the same reason as close_z.'),
    above_all: number(
      100,
      [3, 1e6],
      'A norm a hundred times everything before needs no baseline of twenty: five norms are enough.',
    ),
    baseline: count(128, [20, 128], 'Long enough for a steady spread, short enough to follow the run.'),
    baseline_min: count(20, [10, 128], 'A robust spread of fewer than 20 points is off by a third or more.'),
    max_points: count(
      20,
      [1, 1000],
      'What lasts longer than 20 points is a new level and not a spike; the baseline starts again from it.',
    ),
    many: count(
      10,
      [2, 10],
      'Single spikes are everyday; ten in `many_points` are a pattern, and a warning.',
    ),
    many_points: count(1000, [10, 1_000_000], 'Ten in 1,000 points is 1 %.'),
  },
  ascending: [
    ['close_z', 'open_z'],
    ['close_factor', 'open_factor'],
    ['baseline_min', 'baseline'],
  ],
  severityNow: ({ spike: { isWarning } }) => (isWarning ? 'warning' : 'info'),
  judges: { nextNorm: judgeSpike },
  memory: () => ({ spike: { baseline: newRing(), isWarning: false, excluded: 0, at: [], steps: [] } }),
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly spike: SettingsOf<typeof spike.settings>
  }
}

declare module '../record/state.ts' {
  interface KindMemories {
    readonly spike: {
      readonly baseline: Ring
      isWarning: boolean
      excluded: number
      at: number[]
      steps: number[]
    }
  }
}

/** A norm that stands far out from the quiet ones before it. The baseline does not learn from spikes. */
function judgeSpike(fold: Fold, log: number): void {
  const { spike: own, kinds, norms, warmUp, nonfinite } = fold.state
  // A non-finite loss at this step is the same event, which `nonfinite` reports.
  if (nonfinite.badStep === fold.step) return
  const settings = fold.settings[KIND]
  const { baseline } = fold
  const isFiring = kinds[KIND].phase === 'firing'
  const hasBaseline =
    isFiring ||
    (baseline.size >= settings.baseline_min && warmUp.phase === 'over') ||
    isAboveEverything(fold, log)
  if (!hasBaseline || !settings.enabled) return addToBaseline(fold, log)
  if (!isFiring && log - baseline.medianAtLeast() < fold.thresholds.spikeOpens)
    return addToBaseline(fold, log)
  const median = baseline.median()
  const above = log - median
  if (!isFiring && above < fold.thresholds.spikeOpens) return addToBaseline(fold, log)
  // Most of what is above the factor is within the spread: to say so takes a count.
  const bound = (above / (ROBUST_SD * settings.open_z)) * (1 + 1e-9)
  if (!isFiring && baseline.isMedianDistanceAbove(median, bound) && !isAboveEverything(fold, log))
    return addToBaseline(fold, log)
  const z = above / (ROBUST_SD * baseline.medianDistance(median))
  if (isFiring) {
    own.excluded++
    if (own.excluded > settings.max_points) {
      // An excursion this long is a new level; the baseline starts again from it.
      restartBaseline(fold)
    } else if (z >= settings.close_z && above >= fold.thresholds.spikeCloses) return
    closeFinding(fold, KIND, 'recovered')
    return addToBaseline(fold, log)
  }
  if (z < settings.open_z && !isAboveEverything(fold, log)) return addToBaseline(fold, log)
  own.excluded = 1
  own.at.push(norms.seen)
  own.steps.push(fold.step)
  if (own.at.length > settings.many) {
    own.at.splice(0, own.at.length - settings.many)
    own.steps.splice(0, own.steps.length - settings.many)
  }
  const isMany = own.at.length >= settings.many && norms.seen - (own.at[0] as number) < settings.many_points
  own.isWarning = isMany
  openFinding(
    fold,
    spike,
    fold.step,
    {
      norm: significant(fromLog(log), 4),
      baseline_median: significant(fromLog(median), 4),
      times_median: significant(fromLog(above), 4),
      robust_z: significant(z, 4),
      baseline: baseline.size,
      spikes: own.at.length,
    },
    isMany ? 'warning' : 'info',
  )
}

/** Whether the norm is a hundred times all norms of the baseline: five of them are enough to say so. */
function isAboveEverything({ baseline, thresholds }: Fold, log: number): boolean {
  const { spikeAboveAll } = thresholds
  // Not above the largest either, and costs nothing.
  if (baseline.size < BLOCK || log - baseline.medianAtLeast() < spikeAboveAll) return false
  return log - baseline.largest() >= spikeAboveAll
}
