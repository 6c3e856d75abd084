import type { LayersReply } from '@normwatch/protocol'

/** Rows of a heat map that can be told apart. */
const MOST_ROWS = 64

/** A map whose rows are layers, or groups of layers whose names begin alike. */
export interface LayerRows extends Omit<LayersReply, 'layers'> {
  readonly layers: readonly string[]
  /** How many layers each row stands for. */
  readonly sizes: readonly number[]
}

/**
 * The layers below a module (`model.layers.3`; all where it is empty) that have every word of a search in their names. Too
 * many to tell apart are put together by module, as deep as there is room for: a group's norm is the root of the sum of its
 * layers' squared norms.
 */
export function layerRows(map: LayersReply, module: string, search: string): LayerRows {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const chosen = map.layers.flatMap((name, i) =>
    isBelow(name, module) && words.every((word) => name.toLowerCase().includes(word)) ? [i] : [],
  )
  const groups = grouped(chosen.map((i) => [map.layers[i] as string, i] as const))
  return {
    ...map,
    layers: [...groups.keys()],
    sizes: [...groups.values()].map((members) => members.length),
    values: [...groups.values()].map((members) =>
      members.length === 1
        ? (map.values[members[0] as number] as LayersReply['values'][number])
        : map.step.map((_, bucket) => normOf(members.map((i) => map.values[i]?.[bucket] ?? null))),
    ),
  }
}

/** The module that a module or a layer is in; empty for what is in none. */
export function parentOf(name: string): string {
  return partsOf(name).slice(0, -1).join('')
}

/** Where a module's siblings are: the module it is in, or all layers where those are the same. */
export function outOf({ layers }: LayersReply, module: string): string {
  const parent = parentOf(module)
  return layers.every((name) => isBelow(name, parent)) ? '' : parent
}

/** `a.b/c` is `a`, `.b`, `/c`. */
const partsOf = (name: string): string[] => name.match(/[./]?[^./]+/g) ?? [name]

function isBelow(name: string, module: string): boolean {
  return (
    module === '' || name === module || (name.startsWith(module) && /[./]/.test(name.charAt(module.length)))
  )
}

function grouped(layers: readonly (readonly [name: string, place: number])[]): Map<string, number[]> {
  const all = layers.map(([name, place]) => ({ name, place, parts: partsOf(name) }))
  const at = (depth: number) => {
    const groups = new Map<string, number[]>()
    for (const { parts, place } of all) {
      const name = parts.slice(0, depth).join('')
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [place])
      else group.push(place)
    }
    return groups
  }
  const deepest = Math.max(1, ...all.map(({ parts }) => parts.length))
  let best = at(deepest)
  for (let depth = deepest - 1; depth > 0 && best.size > MOST_ROWS; depth--) {
    const next = at(depth)
    if (next.size > 1) best = next
  }
  return best
}

function normOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.sqrt(known.reduce((sum, value) => sum + value ** 2, 0))
}
