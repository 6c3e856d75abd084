import type { Reading } from '../contract.ts'
import type { Fold } from './fold.ts'
import { toLog } from '../series/log-scale.ts'
import { push } from '../series/ring.ts'
import { significant } from '../series/round.ts'
import type { DetectorState } from './state.ts'

/** Intervals whose median is a run's rhythm. */
const INTERVALS = 15
/** The longest interval kept, in milliseconds: a month. */
const MONTH = 2_678_400_000

/** A new step: its distance in time from the one before. Readings of one batch share its arrival time and give no interval. */
export function seeTime(state: DetectorState, { step, time }: Reading): void {
  state.step = step
  if (!Number.isFinite(time)) return
  const before = state.time
  if (before !== null) {
    if (time <= before) return
    push(state.intervals, INTERVALS, Math.min(Math.round((time - before) * 1000), MONTH))
  }
  state.time = time
}

export function seeLr(fold: Fold, reading: number): void {
  if (!Number.isFinite(reading)) return
  const { lr, norms } = fold.state
  lr.seen++
  lr.last = toLog(reading)
  if (lr.seen > 1 && lr.last <= lr.max) {
    lr.sinceMax++
    return
  }
  lr.rose = lr.seen > 1
  lr.max = lr.last
  lr.sinceMax = 0
  lr.normAtMax = norms.size > 0 ? fold.window.median() : null
}

/** Changes of the scale that are remembered. */
const SCALE_CHANGES = 12

export function seeScale(state: DetectorState, step: number, reading: number): void {
  const { scale } = state
  if (!Number.isFinite(reading) || reading < 0) return
  scale.seen++
  if (reading === scale.value) return
  scale.value = reading
  scale.last = toLog(reading)
  scale.changes.push({ step, to: reading })
  if (scale.changes.length > SCALE_CHANGES) scale.changes.shift()
}

/** Shares that stand for the beginning, and as many for now. */
const ZERO_SHARES = 20

export function seeZeros(state: DetectorState, share: number): void {
  const { zeros } = state
  if (!(share >= 0 && share <= 1)) return
  zeros.seen++
  if (zeros.seen <= ZERO_SHARES) zeros.first += (share - zeros.first) / zeros.seen
  push(zeros.recent, ZERO_SHARES, significant(share, 4))
}

/** Which layer carries most of the squared norm, and for how many readings in a row the same one did. */
export function seeLayers(state: DetectorState, layers: Readonly<Record<string, number>>): void {
  let total = 0
  let most = -1
  let name = ''
  for (const layer in layers) {
    const norm = layers[layer] as number
    if (!Number.isFinite(norm)) continue
    total += norm * norm
    if (Math.abs(norm) > most) {
      most = Math.abs(norm)
      name = layer
    }
  }
  if (!(total > 0) || !Number.isFinite(total)) return
  const streak = state.layer?.name === name ? state.layer.streak + 1 : 1
  state.layer = { name, share: significant((most * most) / total, 4), streak }
}
