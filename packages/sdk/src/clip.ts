/** The gradient of one tensor, as an array. The clip functions change it in place. */
export type GradientArray = Float32Array | Float64Array | number[]

/** The result of clipping by value, with the names that `log` takes. */
export interface ClippedByValue {
  /** Global L2 norm before clipping. */
  readonly gradNorm: number
  /** Largest absolute value before clipping. NaN if an element was NaN. */
  readonly maxAbsGrad: number
  /** Share of elements that were clamped, 0 to 1. */
  readonly clipFraction: number
}

/** Guards against division by 0. The same value as in PyTorch's `torch.nn.utils.clip_grad_norm_`. */
export const EPSILON = 1e-6

/**
 * Throws `TypeError` for a cap that is not a number above 0, before any gradient is changed. With such a cap, clipping would
 * fill the gradients with NaN or zeros, or flip their signs.
 */
export function checkCap(call: string, argument: string, cap: unknown): asserts cap is number {
  if (typeof cap === 'number' && cap > 0) return
  throw new TypeError(
    `${call}: ${argument} must be a number above 0 (Infinity clips nothing); it is ${String(cap)}`,
  )
}

/**
 * The tensors as a list. Throws `TypeError`, before any gradient is changed, for a single tensor, whose elements would count as
 * tensors, and for elements that are not floating-point numbers: clipping would make them NaN, or cut them to whole numbers.
 */
function listOf(call: string, tensors: Iterable<GradientArray>): GradientArray[] {
  const all = [...tensors]
  if (!all.every((tensor) => typeof tensor === 'object' && typeof tensor?.length === 'number')) {
    throw new TypeError(`${call}: tensors must be a list of arrays; for a single one write [gradient]`)
  }
  if (all.every(isFloats)) return all
  throw new TypeError(`${call}: each tensor must be a Float32Array, a Float64Array or a flat list of numbers`)
}

function isFloats(tensor: GradientArray): boolean {
  if (!Array.isArray(tensor))
    return /^Float\d+Array$/.test(Object.prototype.toString.call(tensor).slice(8, -1))
  for (let i = 0; i < tensor.length; i++) if (typeof tensor[i] !== 'number') return false
  return true
}

/** Global L2 norm of all elements of all tensors, summed in float64. NaN if an element is NaN; 0 if there are no elements. */
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
 * Scales the gradients in place so that their global norm is at most `maxNorm`, and returns the norm before clipping. Like
 * torch's `clip_grad_norm_`, it multiplies by min(1, maxNorm / (norm + 1e-6)). If the norm is NaN, every element becomes NaN.
 * If it is infinite, finite elements become 0 and infinite ones NaN. Throws `TypeError` for a cap that is not above 0.
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

/**
 * Clamps every element in place to [-clipValue, clipValue] and returns what to log. NaN elements stay NaN, as in torch.
 * Throws `TypeError` for a cap that is not above 0.
 */
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
