/** One number that decides something: its default, what it may be, and why the default is what it is. */
export interface NumberSetting {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly integer: boolean
  readonly why: string
}
export interface SwitchSetting {
  readonly default: boolean
  readonly why: string
}

const number = (value: number, [min, max]: readonly [number, number], why: string): NumberSetting => ({
  default: value,
  min,
  max,
  integer: false,
  why,
})
const count = (value: number, range: readonly [number, number], why: string): NumberSetting => ({
  ...number(value, range, why),
  integer: true,
})
const on: SwitchSetting = { default: true, why: 'Off: this kind is never judged.' }

/**
 * Every setting of the detector, in the names of the wire. The defaults, the validation and the table in
 * docs/detection.md are all read from here. The upper bounds keep a run's state below 16 KB.
 */
export const settingsTable = {
  window: {
    share: number(
      0.1,
      [0.01, 0.5],
      'The window grows with the run: a tenth of the points seen. A short run is judged in time, a long one is not flagged for a moment.',
    ),
    min: count(25, [10, 200], 'Below 25 points one step moves the clip rate by more than 4 %.'),
    max: count(200, [25, 200], 'A rate over 200 points has a standard error of at most 3.5 %.'),
    judge_from: count(
      20,
      [5, 200],
      'With 20 points at a true rate of one half, 16 clipped have a chance of 0.6 %.',
    ),
    judge_at_end_from: count(
      10,
      [5, 200],
      'A run that ends has no later points to wait for; 8 clipped of 10 are worth a look.',
    ),
  },
  warm_up: {
    lr_points: count(
      20,
      [2, 500],
      'A schedule that has set no new maximum for 20 points has stopped rising, even where it rises in stairs.',
    ),
    settling_ratio: number(
      0.8,
      [0.1, 1],
      'Without lr: a fall by a fifth within one window is more than the noise of two medians of a dozen norms.',
    ),
    hold: number(
      0.2,
      [0, 2],
      'Without lr: steady all through a fifth of a window, as one look at so few norms is noisy.',
    ),
    max_points: count(
      500,
      [0, 100_000],
      'A run still settling after 500 points has something to look at, warm-up or not.',
    ),
  },
  health: {
    watch_rate: number(
      0.3,
      [0.01, 1],
      'Above the 0–10 % of a guard rail with room for noise, far below the 90–100 % of a normaliser.',
    ),
  },
  clip_saturated: {
    enabled: on,
    open_rate: number(
      0.8,
      [0.05, 1],
      'Four steps of five: clipping decides the step length, not the optimiser.',
    ),
    close_rate: number(
      0.5,
      [0, 1],
      'Well below the opening rate, so that a rate that hovers does not open one finding after another.',
    ),
    hold: number(
      0.2,
      [0, 2],
      'Still so a fifth of a window later: a burst that fills the window and ends is not saturation.',
    ),
  },
  clip_regime_change: {
    enabled: on,
    rate_change: number(
      0.4,
      [0.1, 1],
      'Half of the way from a guard rail to a normaliser, and about four standard errors of a 25-point rate.',
    ),
    norm_factor: number(
      4,
      [1.5, 1000],
      'Medians of a steady run stay within a factor of 2; 4 is two doublings.',
    ),
    reference_min: count(25, [10, 200], 'The norms before must be as many as the smallest window.'),
    reference_windows: number(
      5,
      [1, 5],
      'The recent past, not the whole run: a slow drift over many windows is no sudden change.',
    ),
  },
  nonfinite: {
    enabled: on,
    amp_streak: count(
      3,
      [1, 100],
      'A loss scaler backs off by halving; one or two overflows in a row are its normal search.',
    ),
    amp_count: count(11, [1, 20], 'More than 1 % of the last 1,000 points: the eleventh.'),
    amp_points: count(
      1000,
      [10, 100_000],
      'A healthy scaler overflows about once in its 2,000 clean steps between doublings.',
    ),
    amp_min_scale: number(
      1,
      [0, 65_536],
      'A scale of 1 no longer scales: there is nothing left to back off to.',
    ),
    close_after: count(
      50,
      [1, 10_000],
      'One clean point after a NaN says little; 50 in a row say it is over.',
    ),
  },
  spike: {
    enabled: on,
    open_z: number(7, [2, 100], 'Seven robust deviations of log(norm): heavy tails reach 5 often, 7 rarely.'),
    close_z: number(4, [0.5, 100], 'Well below the opening bar, so that one excursion is one finding.'),
    open_factor: number(
      3,
      [1.1, 1000],
      'On a very quiet baseline a rise too small to matter is many deviations.',
    ),
    close_factor: number(1.5, [1, 1000], 'Half of the opening factor, for the same reason as close_z.'),
    baseline: count(128, [20, 128], 'Long enough for a steady spread, short enough to follow the run.'),
    baseline_min: count(20, [10, 128], 'A robust spread of fewer than 20 points is off by a third or more.'),
    max_points: count(
      20,
      [1, 1000],
      'What lasts longer than 20 points is a new level, not a spike: the baseline starts again from it.',
    ),
    many: count(
      10,
      [2, 10],
      'Single spikes are everyday; ten in `many_points` are a pattern, and a warning.',
    ),
    many_points: count(1000, [10, 1_000_000], 'Ten in 1,000 points is 1 %.'),
  },
  vanishing: {
    enabled: on,
    absolute: number(1e-7, [0, 1], 'About the resolution of float32 relative to weights of size 1.'),
    relative: number(
      1e-3,
      [0, 1],
      'A thousandth of the highest median an earlier window had: far below what learning alone explains.',
    ),
    points: count(20, [1, 10_000], 'A window that can be judged: shorter dips happen.'),
  },
  loss_divergence: {
    enabled: on,
    window_share: number(
      0.05,
      [0.01, 0.5],
      'A twentieth of the record, as the loss is noisier than its trend is quick.',
    ),
    window_min: count(5, [3, 200], 'The shortest median that two outliers cannot move.'),
    window_max: count(200, [5, 200], 'As long as the longest window of norms.'),
    fall: number(0.2, [0.01, 1], 'Giving back means something only after the loss has fallen by a fifth.'),
    give_back: number(0.5, [0.05, 1], 'Half of all that was learned.'),
    rise: number(0.1, [0.01, 10], 'Above where it started: the run is worse than untrained.'),
    noise: number(3, [0, 100], 'Three robust deviations of the loss from point to point.'),
    hold: number(0.2, [0, 2], 'Still so a fifth of the window later.'),
    hold_min: count(5, [1, 200], 'At least as long as the shortest running median.'),
  },
  skip_streak: {
    enabled: on,
    open_after: count(
      5,
      [1, 1000],
      'Five halvings in a row take a scale down by 32: the scaler is not finding its level.',
    ),
    close_after: count(20, [1, 10_000], 'Twenty taken steps show that it has.'),
  },
  clip_ineffective: {
    enabled: on,
    tolerance: number(
      1.01,
      [1, 10],
      'Room for the rounding of half precision and of the 1e-6 in the coefficient.',
    ),
    points: count(5, [1, 1000], 'Five in a row are no accident of rounding.'),
  },
  looks_post_clip: {
    enabled: on,
    points: count(100, [20, 100], 'Enough that norms lying on the cap by chance cannot do it.'),
    share: number(0.95, [0.5, 1], 'A few norms below the cap are what a clipped run shows.'),
    close_share: number(0.8, [0.7, 1], 'Lower than the opening share.'),
    tolerance: number(
      0.001,
      [0, 0.1],
      'min(norm, cap) is the cap up to rounding; no pre-clip norm is that steady.',
    ),
  },
  stalled: {
    enabled: on,
    min_seconds: number(60, [1, 86_400], 'Shorter silences are checkpoints, evaluations and slow networks.'),
    intervals: number(
      10,
      [1, 1000],
      'Ten times its own rhythm: a run that logs every minute is silent after ten.',
    ),
  },
} as const satisfies Record<string, Record<string, NumberSetting | SwitchSetting>>
