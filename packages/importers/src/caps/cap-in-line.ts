import type { LogClip } from '../format.ts'
import { printedNumber } from '../text/numbers.ts'
import { BARE_KEY, CAP_KEYS, endsWithClipping } from './cap-keys.ts'
import { clipByKind, clipKind, KIND_KEYS, type ClipKind } from './clip-kind.ts'
import { isAdvice } from './advice.ts'

export interface CapInText {
  readonly key: string
  readonly clip: LogClip
}

/** A cap as a line says it, before it is known what kind of clipping it is of. */
export interface StatedCap {
  readonly key: string
  readonly value: number
}

const setting = (keys: readonly string[], value: string): RegExp =>
  new RegExp(
    `(?:^|[\\s'"{(,_.-])(?:--)?(${keys.join('|')})['"]?(?:\\s*[:=]\\s*|\\s*\\.{2,}\\s*|\\s+)['"]?(${value})(?=$|[\\s'",;)}\\]|]|\\.{3})`,
    'g',
  )
const CAP = setting(CAP_KEYS, '-?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?|None|null|inf')
const KIND = setting(KIND_KEYS, '[\\w.]+')
/** Characters of a line that are looked through. */
const MAX_LOOK = 4096

/** A cap that a text of settings holds: `max_grad_norm: 1.0`, `--clip-grad 1.0`, `clip_grad ..... 1.0.....default`. */
export function capIn(text: string): CapInText | undefined {
  const stated = statedCap(text, false)
  return stated && { key: stated.key, clip: clipByKind(stated.value, statedKind(text)) }
}

/** The cap that a line states, which may be one of the clipping's own settings. Usage and advice state none. */
export function statedCap(line: string, isInClipping: boolean): StatedCap | undefined {
  const looked = line.slice(0, MAX_LOOK)
  for (const match of looked.matchAll(CAP)) {
    const [whole, key, text] = match as unknown as [string, string, string]
    const at = match.index + whole.indexOf(key)
    if (key === BARE_KEY && !isInClipping && !isWithinClipping(looked.slice(0, at))) continue
    if (isAdvice(looked.slice(0, at), looked.slice(match.index + whole.length))) continue
    return { key, value: printedNumber(text) ?? 0 }
  }
  return undefined
}

/** What a line says of the kind of clipping. */
export function statedKind(line: string): ClipKind | undefined {
  for (const [, key = '', value] of line.slice(0, MAX_LOOK).matchAll(KIND)) {
    const kind = clipKind(key, value)
    if (kind !== undefined) return kind
  }
  return undefined
}

/** Whether what follows belongs to clipping: `clip_grad=dict(`, `clip_grad_norm_(parameters(), `, `grad_clip.`. */
function isWithinClipping(before: string): boolean {
  let depth = 0
  for (let at = before.length - 1; at >= 0; at--) {
    const character = before[at] as string
    if (')}]'.includes(character)) depth++
    else if ('({['.includes(character) && depth-- === 0) return opensClipping(before.slice(0, at + 1))
  }
  return endsWithClipping(before.replace(/[._/-]+$/, ''))
}

/** Whether a text ends as the settings of clipping begin, after which they stand in brackets or further in. */
export function opensClipping(text: string): boolean {
  const name = /^(.*?)['"]?\s*(?:[:=]\s*)?(?:dict)?\s*[({]?\s*$/.exec(text.slice(-256))?.[1]
  return name !== undefined && name !== text && endsWithClipping(name)
}
