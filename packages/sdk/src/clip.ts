/** Gradients: typed arrays (or arrays) of any number of tensors, changed in place by the clip functions. */
export type GradientArray = Float32Array | Float64Array | number[]

/** What clipping by value did, under the names that `log` takes. */
export interface ClippedByValue {
  /** Global L2 norm before clipping. */
  readonly gradNorm: number
  /** Largest absolute value before clipping; NaN when an element was NaN. */
  readonly maxAbsGrad: number
  /** Share of elements that were clamped, 0 to 1. */
  readonly clipFraction: number
}

/** PyTorch's guard against a division by 0, in `torch.nn.utils.clip_grad_norm_`. */
export const EPSILON = 1e-6

/**
 * Throws before a number is touched: with such a cap, clipping would fill the gradients with NaN or zeros, or flip them.
 */
export function checkCap(call: string, argument: string, cap: unknown): asserts cap is number {
  if (typeof cap === 'number' && cap > 0) return
  throw new TypeError(
    `${call}: ${argument} must be a number above 0 (Infinity clips nothing); it is ${String(cap)}`,
  )
}

/** The tensors as a list. Throws where a single tensor was given: its elements would count as tensors without elements. */
function listOf(call: string, tensors: Iterable<GradientArray>): GradientArray[] {
  const all = [...tensors]
  if (all.every((tensor) => typeof tensor === 'object' && typeof tensor?.length === 'number')) return all
  throw new TypeError(`${call}: tensors must be a list of arrays; for a single one write [gradient]`)
}

/** Global L2 norm of all elements of all tensors, summed in float64. NaN when an element is NaN; 0 without elements. */
export function globalNorm(tensors: Iterable<GradientArray>): number {
  return normOf(listOf('globalNorm', tensors))
}

function normOf(tensors: readonly GradientArray[]): number {
  let sum = 0
  for (const tensor of tensors) {
    for (let i = 0; i < tensor.length; i++) {
      const element = tensor[i] as number
      sum += element * element
    }
  }
  return Math.sqrt(sum)
}

/**
 * Scales the gradients in place so that their global norm is at most `maxNorm`, and returns the norm before. As torch's
 * `clip_grad_norm_` does, it multiplies by min(1, maxNorm / (norm + 1e-6)): with a NaN norm every element becomes NaN,
 * with an infinite one finite elements become 0 and infinite ones NaN. Throws `TypeError` for a cap that is not above 0.
 */
export function clipByGlobalNorm(tensors: Iterable<GradientArray>, maxNorm: number): number {
  checkCap('clipByGlobalNorm', 'maxNorm', maxNorm)
  const all = listOf('clipByGlobalNorm', tensors)
  const norm = normOf(all)
  const coefficient = Math.min(1, maxNorm / (norm + EPSILON))
  if (coefficient === 1) return norm
  for (const tensor of all) {
    for (let i = 0; i < tensor.length; i++) tensor[i] = (tensor[i] as number) * coefficient
  }
  return norm
}

/** Clamps every element in place to [-clipValue, clipValue] and returns what to log; NaN elements stay, as in torch. */
export function clipByValue(tensors: Iterable<GradientArray>, clipValue: number): ClippedByValue {
  checkCap('clipByValue', 'clipValue', clipValue)
  let sum = 0
  let maxAbsGrad = 0
  let elements = 0
  let clamped = 0
  for (const tensor of listOf('clipByValue', tensors)) {
    elements += tensor.length
    for (let i = 0; i < tensor.length; i++) {
      const element = tensor[i] as number
      const size = Math.abs(element)
      sum += element * element
      maxAbsGrad = Math.max(maxAbsGrad, size)
      if (size > clipValue) {
        clamped++
        tensor[i] = element > 0 ? clipValue : -clipValue
      }
    }
  }
  return { gradNorm: Math.sqrt(sum), maxAbsGrad, clipFraction: elements === 0 ? 0 : clamped / elements }
}
