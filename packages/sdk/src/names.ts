import { LAYER_PREFIX } from '@normwatch/protocol/columns'
import {
  MAX_LAYERS_PER_RUN,
  MAX_METRICS_PER_RUN,
  MAX_METRIC_NAME_LENGTH,
  MAX_PARTS_PER_RUN,
} from '@normwatch/protocol/limits'

/** TypeScript names of readings → wire names. Every other metric is sent under the name it is given. */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  gradNorm: 'grad_norm',
  maxNorm: 'max_norm',
  clipFraction: 'clip_fraction',
  maxAbsGrad: 'max_abs_grad',
  postNorm: 'post_norm',
  lossScale: 'loss_scale',
  zeroFraction: 'zero_fraction',
}

/** Whether `key` is the wire name of a reading that has a TypeScript name, such as `grad_norm` for `gradNorm`. */
export const isWireName = (key: string): boolean => Object.values(WIRE_NAMES).includes(key)

/** The TypeScript names of all readings. */
export const READING_NAMES: readonly string[] = [
  'step',
  'time',
  'loss',
  'lr',
  'skipped',
  'layers',
  ...Object.keys(WIRE_NAMES),
]

/** A name, or why it cannot be used. `fault` does not contain the name, so all names with the same fault share one warning. */
export type NameCheck = { readonly name: string } | { readonly fault: string }

/** Readings of gradients. One that names an undeclared part creates that part. */
const MAKES_PART = /^(?:grad_norm|clip_fraction)\/([^/]{1,64})$/
const BAD_NAME = `a metric's name has 1 to ${MAX_METRIC_NAME_LENGTH} characters, none of them a control character or half of a surrogate pair`

export const TOO_MANY_PARTS = `a run has at most ${MAX_PARTS_PER_RUN} parts`

/** Whether readings of this name are caps of the run or of a part, which must be above 0. */
export const isCapName = (name: string): boolean => name === 'max_norm' || name.startsWith('max_norm/')

/**
 * The metric, layer and part names of one run. Names that the server would refuse are refused here, so that only the reading
 * with that name is dropped and not the whole batch.
 */
export class Names {
  readonly #known = new Set<string>()
  readonly #parts = new Set<string>()
  #metrics = 0
  #layers = 0

  /** The wire name for an argument of `log` (of the run, or of `part`), or why it cannot be used. */
  metric(key: string, part?: string): NameCheck {
    const metric = Object.hasOwn(WIRE_NAMES, key) ? (WIRE_NAMES[key] as string) : key
    const name = part === undefined ? metric : `${metric}/${part}`
    if (this.#known.has(name)) return { name }
    const isLayer = name.startsWith(LAYER_PREFIX)
    const bare = isLayer ? name.slice(LAYER_PREFIX.length) : name
    if (bare.length < 1 || bare.length > MAX_METRIC_NAME_LENGTH || !isText(bare)) {
      return { fault: BAD_NAME }
    }
    if (isLayer && this.#layers >= MAX_LAYERS_PER_RUN) {
      return { fault: `a run has at most ${MAX_LAYERS_PER_RUN} layers` }
    }
    if (!isLayer && this.#metrics >= MAX_METRICS_PER_RUN) {
      return { fault: `a run has at most ${MAX_METRICS_PER_RUN} metrics` }
    }
    const [, makes] = MAKES_PART.exec(name) ?? []
    if (makes !== undefined && !this.addPart(makes)) return { fault: TOO_MANY_PARTS }
    this.#known.add(name)
    if (isLayer) this.#layers++
    else this.#metrics++
    return { name }
  }

  /** Adds a part of this name. Returns false if the run cannot have it. */
  addPart(name: string): boolean {
    if (!this.#parts.has(name) && this.#parts.size >= MAX_PARTS_PER_RUN) return false
    this.#parts.add(name)
    return true
  }

  layer(key: string): NameCheck {
    return this.metric(LAYER_PREFIX + key)
  }
}

// eslint-disable-next-line no-control-regex -- control characters are what a name must not have
const isText = (text: string): boolean => !/[\u0000-\u001f\u007f\p{Surrogate}]/u.test(text)
