import type { LayersReply } from '@normwatch/protocol'

/** The layer that carries most of the gradient: `share` is its part of the squared norm, 0 to 1. */
export interface HeaviestLayer {
  readonly layer: string
  readonly share: number
}

/** Which layer has the largest part of the sum of all layers' squared norms over the range; `undefined` without a norm. */
export function heaviestLayer({ layers, values }: LayersReply): HeaviestLayer | undefined {
  const squares = values.map((row) => row.reduce<number>((sum, norm) => sum + (norm ?? 0) ** 2, 0))
  const total = squares.reduce((sum, square) => sum + square, 0)
  if (!(total > 0)) return undefined
  const place = squares.indexOf(Math.max(...squares))
  return { layer: layers[place] as string, share: (squares[place] as number) / total }
}

const byNumber = new Intl.Collator('en', { numeric: true })

/** The same map with its layers in the order of their names, numbers counted: `encoder.2` stands before `encoder.10`. */
export function inOrderOfNames(map: LayersReply): LayersReply {
  const order = map.layers.map((_, i) => i)
  order.sort((a, b) => byNumber.compare(map.layers[a] as string, map.layers[b] as string))
  return {
    ...map,
    layers: order.map((i) => map.layers[i] as string),
    values: order.map((i) => map.values[i] as LayersReply['values'][number]),
  }
}

/** Each row as multiples of the median of its norms above 0: what changed stands out, however small its layer. */
export function relativeToMedian<Map extends Pick<LayersReply, 'values'>>(map: Map): Map {
  const values = map.values.map((row) => {
    const sorted = row.filter((norm) => norm !== null && norm > 0).sort((a, b) => (a ?? 0) - (b ?? 0))
    const median = sorted[sorted.length >> 1]
    return row.map((norm) => (norm === null || median == null ? null : norm / median))
  })
  return { ...map, values }
}

/** The smallest and the largest norm above 0: the ends of the colour scale. */
export function colourRange(values: LayersReply['values']): { low: number; high: number } | undefined {
  let low = Infinity
  let high = 0
  for (const row of values) {
    for (const norm of row) {
      if (norm === null || norm <= 0) continue
      low = Math.min(low, norm)
      high = Math.max(high, norm)
    }
  }
  return high === 0 ? undefined : { low, high }
}

/** Where a norm stands between the ends on a log scale, 0 to 1; `undefined` for none and for 0, which has no logarithm. */
export function logShare(
  norm: number | null,
  { low, high }: { low: number; high: number },
): number | undefined {
  if (norm === null || norm <= 0) return undefined
  return low === high ? 1 : Math.log(norm / low) / Math.log(high / low)
}

/** Stops of viridis (van der Walt and Smith, 2015): equal steps of it look equal, in grey too. */
const STOPS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const

/** The colour of a share of the scale, as red, green and blue from 0 to 255. */
export function shade(share: number): [red: number, green: number, blue: number] {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1)
  const below = Math.min(STOPS.length - 2, Math.floor(at))
  const [from, to] = [STOPS[below], STOPS[below + 1]] as [(typeof STOPS)[number], (typeof STOPS)[number]]
  const mix = (i: 0 | 1 | 2) => Math.round(from[i] + (at - below) * (to[i] - from[i]))
  return [mix(0), mix(1), mix(2)]
}
