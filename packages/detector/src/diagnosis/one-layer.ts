import type { Fold } from '../record/fold.ts'
import { percent } from './figures.ts'
import { REFUTED, type Around, type AroundCheck, type CauseCheck, type CauseRecord } from './cause.ts'

const MOST = 0.8
/** This many readings in a row: a property of the layer, not of one batch. */
const HABIT = 5

/** One layer carries most of the squared norm. Names it. */
export const oneLayer: CauseRecord = {
  title: 'One layer carries the norm',
  seen: 'one layer carries ≥ 80% of the squared norm; not if it did so before the norm grew',
  check,
  around,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const { layer } = fold.state
  if (layer === null || layer.share < MOST) return undefined
  const often =
    layer.streak > 1 ? `it has been the largest for ${layer.streak} readings in a row` : 'in this reading'
  return {
    weight: layer.streak >= HABIT ? 0.8 : 0.5,
    because: `The layer ${layer.name} carries ${percent(layer.share)} of the squared norm; ${often}.`,
    look_at: `The initialisation, the inputs and the normalisation of ${layer.name}.`,
  }
}

/** A layer that carried as much before does not explain why the norm grew. */
function around({ layers }: Around): ReturnType<AroundCheck> {
  const isOld = layers.some(
    ({ share_before, share_after }) => share_before >= MOST && share_after !== null && share_after >= MOST,
  )
  return isOld ? REFUTED : undefined
}
