import { count, number, type SettingsSection } from './define.ts'

/** The settings that several kinds share. */
export const general = {
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
      'When a run ends, no more points will come; 8 clipped of 10 are worth a look.',
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
    max_steps: count(
      5000,
      [0, 10_000_000],
      'Without lr: in a log of few points, one in hundreds of steps, a warm-up is long over.',
    ),
  },
  health: {
    watch_rate: number(
      0.3,
      [0.01, 1],
      'Above the 0–10 % of a guard rail with room for noise, far below the 90–100 % of a normaliser.',
    ),
  },
} as const satisfies Record<string, SettingsSection>
