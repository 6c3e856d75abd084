/** What configurations call the cap on the global gradient norm. */
export const CAP_KEYS = [
  'max_grad_norm',
  'max-grad-norm',
  'clip_grad',
  'clip-grad',
  'clip_grad_norm',
  'grad_clip',
  'grad-clip',
  'gradient_clip_val',
  'gradient_clipping',
  'gradient-clipping',
  'gradient_clipping_threshold',
  'gradient_clip',
  'grad_clip_thresh',
  'grad_clip_norm',
  'grad_max_norm',
  'clip_max_norm',
  'clip_norm',
  'clip-norm',
  'max_norm',
  'clip_grad_val',
  'max_l2_norm',
  'clip_gradients',
  'grad_norm_clip',
  'max_gradient_norm',
  'max_norm_clip',
  'CLIP_GRAD',
] as const
const KEYS: ReadonlySet<string> = new Set(CAP_KEYS.map(settingName))

/** A name that is a cap only within the clipping's own settings: layers have a `max_norm` too. */
export const BARE_KEY = 'max_norm'

const CLIPPING = /(?:grad(?:ient)?s?[_-]?clip|clip[_-]?grad|clip_(?:by_)?(?:global_)?norm)\w*$/i

/** Whether a text ends with a name of the clipping's settings or of the call that clips. */
export function endsWithClipping(text: string): boolean {
  return CLIPPING.test(text)
}

export function isCapKey(key: string): boolean {
  return KEYS.has(settingName(key))
}

/** One form of a setting's name: `clip-grad` on the command line is `clip_grad` in the configuration. */
export function settingName(key: string): string {
  return key.toLowerCase().replaceAll('-', '_')
}
