import { isObject } from '../text/loose-json.ts'
import { printedNumber } from '../text/numbers.ts'
import type { CapInText } from './cap-in-line.ts'
import { BARE_KEY, endsWithClipping, isCapKey } from './cap-keys.ts'
import { clipByKind, clipKind, type ClipKind } from './clip-kind.ts'

type Settings = readonly [name: string, settings: Readonly<Record<string, unknown>>]

/** A cap in a nested configuration, the outermost first. */
export function capInConfig(config: unknown): CapInText | undefined {
  let level: Settings[] = isObject(config) ? [['', config]] : []
  let size = 0
  for (let depth = 0; depth < 8 && level.length > 0 && size < 10_000; depth++) {
    for (const [name, settings] of level) {
      const found = capAmong(name, settings)
      if (found !== undefined) return found
    }
    level = level.flatMap(([, settings]) =>
      Object.entries(settings).flatMap(([name, value]): Settings[] =>
        isObject(value) ? [[name, value]] : [],
      ),
    )
    size += level.length
  }
  return undefined
}

/** A cap among the settings of this name. */
function capAmong(name: string, settings: Readonly<Record<string, unknown>>): CapInText | undefined {
  for (const [key, value] of Object.entries(settings)) {
    const isCap = isCapKey(key) && (key.toLowerCase() !== BARE_KEY || endsWithClipping(name))
    const cap = isCap ? capValue(value) : undefined
    if (cap !== undefined) return { key, clip: clipByKind(cap, kindAmong(settings)) }
  }
  return undefined
}

function kindAmong(settings: Readonly<Record<string, unknown>>): ClipKind | undefined {
  for (const [key, value] of Object.entries(settings)) {
    const kind = clipKind(key, value)
    if (kind !== undefined) return kind
  }
  return undefined
}

function capValue(value: unknown): number | undefined {
  if (value === null) return 0
  return typeof value === 'number' ? value : typeof value === 'string' ? printedNumber(value) : undefined
}
