import { isCapKey } from '../caps/cap-keys.ts'

/**
 * What a metric's name says of the gradient norm in it. `before`: measured before clipping. `after`: after it. `statistic`:
 * made out of the norm or beside it (its mean, logarithm, ratio, number of skips). `layer`: of one layer's weights. `cap`: the
 * limit, not a norm.
 */
export interface NormName {
  readonly role: 'norm' | 'before' | 'after' | 'layer' | 'statistic' | 'cap'
  /** Whose gradients they are, in words: none for the whole run. */
  readonly subject: readonly string[]
  /** The name says that it is of the whole. */
  readonly isTotal: boolean
  /** The loss scale is taken out of it: a norm beside it without that word has the scale in it, and is not one after clipping. */
  readonly isUnscaled: boolean
}

const words = (list: string): string[] => list.trim().split(/\s+/)
const BEFORE = words('pre before preclip preclipping raw unclipped noclip unscaled')
const AFTER = words('post after postclip postclipping clipped')
const CLIPPING = words('clip clipping')
const TOTAL = words('total global all overall whole')
const STATISTIC = words(`
  log log10 sq squared square sqrt var variance std stddev rms ema ma avg average mean median max
  min epoch smoothed running rolling quantile percentile percent pct ratio frac fraction rate coef
  coeff scaled l1 inf linf threshold thresh limit target snr noise cos cosine similarity count n
  num skipped nan isnan isinf finite delta diff change normalized
`)
/** Words that name the norm itself, or the place in a program that logs it. */
const PLAIN = words(`
  grad grads gradient gradients norm norms gnorm l2 of to the train training trainer step optim
  optimizer learning learner metrics stats
`)
const QUALIFIERS: ReadonlySet<string> = new Set([...BEFORE, ...AFTER, ...CLIPPING, ...TOTAL, ...STATISTIC])
const NEUTRAL: ReadonlySet<string> = new Set([...QUALIFIERS, ...PLAIN])

/** `grad_norm`, also with what qualifies it between (`grad_global_norm`) or the order (`grad_2.0_norm`). */
const NORM = new RegExp(
  `grad(?:ient)?s?[ _./-]*(?:(?:\\d+(?:\\.\\d+)?|l2|${[...QUALIFIERS].join('|')})[ _./-]+)*norm|(?:^|[/_.])gnorm|norm[ _]grad`,
  'i',
)
/** Norms of something else than the gradient. */
const OTHER_NORM = /(?:pred|weight|model|param)s?_norm|grad[ _]?\/[ _]?param/i
/** The order of a norm, as Lightning writes it. */
const ORDER = /grad_(\d+(?:\.\d+)?)_norm/i
/** The norm after clipping by its name in RLlib (`min(norm, grad_clip)`) and Composer. */
const POST_CLIP = /(?:^|\/)learner_stats\/grad_gnorm$|^l2_norm\/grad\/global$|^post_norm(?:\/|$)/

/** Names of weights by index, as in `grad_norm/layers.3.weight`, and modules under names that hold nothing but gradients. */
const LAYER = /\.(?:weight|bias)\b|layers?[._/]\d|blocks?[._/]\d|\bh\.\d|_norm\/.*\.\d+/
const MODULE = /^gradients?\/|^grad\/norm\//

/** Reads a metric's name; `undefined` where it speaks of no gradient norm and no cap. */
export function normNameOf(name: string): NormName | undefined {
  if (POST_CLIP.test(name)) return { role: 'after', subject: [], isTotal: false, isUnscaled: false }
  if (isCap(name)) return { role: 'cap', subject: [], isTotal: false, isUnscaled: false }
  if (!NORM.test(name) || OTHER_NORM.test(name)) return undefined
  const bare = name.replace(ORDER, 'grad_norm')
  const subject = subjectOf(bare)
  const isLayer = LAYER.test(bare) || (MODULE.test(bare) && subject.length > 0)
  const words = wordsOf(isLayer ? aroundLayer(bare) : bare)
  const order = Number(ORDER.exec(name)?.[1] ?? 2)
  const role = order === 2 ? roleOf(words, isLayer) : 'statistic'
  return { role, subject, isTotal: words.some(isIn(TOTAL)), isUnscaled: words.includes('unscaled') }
}

function roleOf(words: readonly string[], isLayer: boolean): NormName['role'] {
  if (words.some(isIn(STATISTIC)) || words.some(isQuantile)) return 'statistic'
  if (isLayer) return 'layer'
  if (words.some(isIn(BEFORE))) return 'before'
  if (words.some(isIn(AFTER))) return 'after'
  return words.some(isIn(CLIPPING)) ? 'statistic' : 'norm'
}

function isIn(list: readonly string[]): (word: string) => boolean {
  return (word) => list.includes(word)
}

/** Whether a word only says which of the norms of one subject a metric is. */
export function isQualifier(word: string): boolean {
  return QUALIFIERS.has(word.toLowerCase())
}

/** Whether a metric is a norm that may be judged, or that of a layer. */
export function isNorm(name: string): boolean {
  const role = isOfValidation(name) ? undefined : normNameOf(name)?.role
  return role === 'norm' || role === 'before' || role === 'layer'
}

/** Whose gradients a name speaks of, in words. */
function subjectOf(name: string): string[] {
  return wordsOf(name).filter((word) => !NEUTRAL.has(word) && !isQuantile(word))
}

/** What stands around the layer in its name: modules have words such as `post_attention_layernorm`, which say nothing of the norm. */
function aroundLayer(name: string): string {
  const segments = name.split('/')
  const layer = segments.findIndex((segment) => /\.|layer|block/i.test(segment))
  const last = segments.slice(1).at(-1) ?? ''
  const around = segments.slice(0, layer < 0 ? 1 : layer)
  return subjectOf(last).length === 0 ? [...around, last].join('/') : around.join('/')
}

/** The words of a name in small letters: `criticGradNorm` and `critic/grad_norm` have the same. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

function isQuantile(word: string): boolean {
  return /^[pq]\d+$/.test(word)
}

/** Whether a metric has the name of a setting that is the cap on the gradient norm. */
function isCap(name: string): boolean {
  return isCapKey(name.slice(name.lastIndexOf('/') + 1))
}

/** Whether a metric is of a validation, not of the step's training. */
export function isOfValidation(name: string): boolean {
  return /^(?:val|valid|validation|eval|test|mini_val)[-_/]/i.test(name)
}
