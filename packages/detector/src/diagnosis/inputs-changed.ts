import type { Around, AroundCheck, CauseRecord } from './cause.ts'
import { figure, stepsBefore } from './figures.ts'

/** Names of what goes into a step. */
const INPUTS =
  /(^|[/_.-])(batch_?size|(seq|sequence|prompt|response|context|input)(_?len(gths?)?)?|lengths?|tokens?|num_(tokens|turns|samples)|n_tokens)($|[/_.-])/i
/** Smaller changes are normal. */
const LEAST = 1.5

/** The batches became larger, longer or shorter just before. */
export const inputsChanged: CauseRecord = {
  title: 'The inputs changed',
  seen: 'a metric that is named after batch size, length, turns or tokens moved by half or more, with the norm or before it',
  around,
}

function around({ moved }: Around): ReturnType<AroundCheck> {
  const inputs = moved.find(
    ({ metric, lead, ratio }) =>
      lead <= 0 && INPUTS.test(metric) && ratio !== null && Math.max(ratio, 1 / ratio) >= LEAST,
  )
  if (inputs === undefined) return undefined
  return {
    weight: 0.5,
    because: `The metric ${inputs.metric} went from ${figure(inputs.before)} to ${figure(inputs.after)} at step ${inputs.at_step}, ${stepsBefore(-inputs.lead)}.`,
    look_at: `The data at step ${inputs.at_step}: another shard, stage or filter, truncated or empty samples.`,
  }
}
