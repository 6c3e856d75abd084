import type { Clip } from '@normwatch/protocol'
import { clipOf } from '../text/console.ts'
import { printedNumber } from '../text/numbers.ts'

/** What configurations call the cap on the global gradient norm. */
const CAP_KEYS = [
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
const KEYS: ReadonlySet<string> = new Set(CAP_KEYS.map(normal))
const IN_LINE = new RegExp(
  `(?:^|[\\s'"{(,_.-])(?:--)?(${CAP_KEYS.join('|')})['"]?(?:\\s*[:=]\\s*|\\s*\\.{2,}\\s*|\\s+)['"]?(-?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?|None|null|inf)(?=$|[\\s'",;)}\\]|]|\\.{3})`,
)

export interface CapInText {
  readonly key: string
  readonly clip: Clip
}

/** A cap that a line of a printed configuration or command holds: `max_grad_norm: 1.0`, `--clip-grad 1.0`, `clip_grad ..... 1.0.....default`. */
export function capIn(line: string): CapInText | undefined {
  const match = IN_LINE.exec(line.length > 4096 ? line.slice(0, 4096) : line)
  if (match === null) return undefined
  const [, key, text] = match as unknown as [string, string, string]
  const value = printedNumber(text)
  if (value === undefined && !/^(?:None|null)$/.test(text)) return undefined
  return { key, clip: clipOf(value ?? 0) }
}

/** A cap in a nested configuration, the outermost first. */
export function capInConfig(config: unknown): CapInText | undefined {
  let level: [string, unknown][] = Object.entries(isSettings(config) ? config : {})
  for (let depth = 0; depth < 8 && level.length > 0 && level.length < 10_000; depth++) {
    for (const [key, value] of level) {
      const cap = KEYS.has(normal(key)) ? capValue(value) : undefined
      if (cap !== undefined) return { key, clip: clipOf(cap) }
    }
    level = level.flatMap(([, value]) => (isSettings(value) ? Object.entries(value) : []))
  }
  return undefined
}

function capValue(value: unknown): number | undefined {
  if (value === null) return 0
  if (typeof value === 'boolean') return undefined
  return typeof value === 'number' ? value : typeof value === 'string' ? printedNumber(value) : undefined
}

function isSettings(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function normal(key: string): string {
  return key.toLowerCase().replaceAll('-', '_')
}
