/** The body of a request with `steps` steps from `first` on, as the SDKs send it. */
export function batch(first: number, steps: number) {
  const step = Array.from({ length: steps }, (_, i) => first + i)
  const grad_norm = step.map((at) => Math.fround(0.6 + ((at * 7919) % 1000) / 1500))
  const loss = grad_norm.map((norm) => Math.fround(2 + norm / 3))
  return { columns: { step, grad_norm, loss } }
}
