import { LogRefused } from '../format.ts'

/** Levels of nesting that are followed. */
const MAX_DEPTH = 64
/** Characters of one value. */
const MAX_VALUE = 4 * 1024 * 1024

/** One value found: which of the patterns led to it, the way there, and its text. */
export interface JsonPiece {
  readonly pattern: number
  readonly path: readonly (string | number)[]
  readonly text: string
}

interface Level {
  readonly isList: boolean
  key: string | number
}

/**
 * The values of one large JSON document that stand where a pattern says, without holding the document: `['log_history',
 * '*']` gives each entry of that list. Python's bare `NaN` passes. Throws `LogRefused` at 64 levels, and where brackets do
 * not match; a document that is cut off gives the values that are whole.
 */
export async function* jsonValues(
  chunks: AsyncIterable<string>,
  patterns: readonly (readonly string[])[],
): AsyncGenerator<JsonPiece> {
  const levels: Level[] = []
  let place = 0
  let inString = false
  let escaped = false
  let expectsKey = false
  let key: string | undefined
  let keyIsOpen = false
  let caught: { pattern: number; depth: number; pieces: string[]; length: number } | undefined
  for await (const text of chunks) {
    let from = 0
    const found: JsonPiece[] = []
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (inString) {
        if (escaped) escaped = false
        else if (code === 92) escaped = true
        else if (code === 34) {
          inString = false
          keyIsOpen = false
          continue
        }
        if (keyIsOpen) key += text[i] as string
        continue
      }
      if (code === 34) {
        inString = true
        if (expectsKey && caught === undefined) {
          key = ''
          keyIsOpen = true
        }
      } else if (code === 58) {
        const level = levels.at(-1)
        if (level !== undefined && caught === undefined) level.key = key ?? ''
        expectsKey = false
      } else if (code === 44) {
        const level = levels.at(-1)
        if (level?.isList === true && caught === undefined) (level.key as number)++
        expectsKey = level?.isList === false
      } else if (code === 123 || code === 91) {
        if (caught === undefined) {
          const pattern = patterns.findIndex((candidate) => matches(candidate, levels))
          if (pattern >= 0) {
            caught = { pattern, depth: levels.length, pieces: [], length: 0 }
            from = i
          }
        }
        if (levels.length === MAX_DEPTH)
          throw new LogRefused(`At character ${place + i} the JSON is nested more than ${MAX_DEPTH} deep.`)
        levels.push({ isList: code === 91, key: code === 91 ? 0 : '' })
        expectsKey = code === 123
      } else if (code === 125 || code === 93) {
        const level = levels.pop()
        if (level === undefined || level.isList !== (code === 93))
          throw new LogRefused(`At character ${place + i} a bracket closes that was not opened.`)
        expectsKey = false
        if (caught?.depth === levels.length) {
          const whole = caught.pieces.join('') + text.slice(from, i + 1)
          if (whole.length <= MAX_VALUE && caught.length <= MAX_VALUE)
            found.push({ pattern: caught.pattern, path: levels.map(({ key }) => key), text: whole })
          caught = undefined
        }
      }
    }
    if (caught !== undefined) {
      caught.length += text.length - from
      if (caught.length <= MAX_VALUE) caught.pieces.push(text.slice(from))
      else caught.pieces = []
    }
    place += text.length
    yield* found
  }
}

function matches(pattern: readonly string[], levels: readonly Level[]): boolean {
  return (
    pattern.length === levels.length &&
    pattern.every((part, i) => part === '*' || part === (levels[i] as Level).key)
  )
}
