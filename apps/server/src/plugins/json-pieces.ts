/** Bytes of JSON that are parsed at once, which takes up to a millisecond. */
const PIECE_BYTES = 64 * 1024

/** An object or a list that is longer than a piece. */
interface Long {
  readonly isList: boolean
  /** Where its brackets are. */
  readonly from: number
  readonly to: number
  /** Its commas at which it is cut, so that each piece is short or holds one long child alone. */
  readonly cuts: readonly number[]
  readonly children: readonly Long[]
}

/** An object or a list whose end has not been found yet. */
interface Open {
  readonly isList: boolean
  readonly from: number
  lastComma: number
  lastCut: number
  /** Whether its next comma ends a piece, because a long child came before it. */
  isCutNext: boolean
  cuts: number[]
  children: Long[]
}

/** Finds where a JSON text can be cut; told of each bracket and comma outside strings, in order. */
export class PieceFinder {
  readonly #pieceBytes: number
  readonly #open: Open[] = []
  #top: Open | undefined
  /** The whole text, if it is one long object or list; any other is short enough to be parsed at once. */
  root: Long | undefined

  constructor(pieceBytes = PIECE_BYTES) {
    this.#pieceBytes = pieceBytes
  }

  opened(at: number, isList: boolean): void {
    if (this.#top !== undefined) this.#open.push(this.#top)
    this.#top = { isList, from: at, lastComma: at, lastCut: at, isCutNext: false, cuts: [], children: [] }
  }

  comma(at: number): void {
    const top = this.#top
    if (top === undefined) return
    if (top.isCutNext || at - top.lastCut >= this.#pieceBytes) cut(top, at)
    top.lastComma = at
  }

  closed(at: number, isList: boolean): void {
    const top = this.#top
    if (top?.isList !== isList) throw new SyntaxError(`Unexpected ${isList ? ']' : '}'} at byte ${at}`)
    const parent = (this.#top = this.#open.pop())
    const { from, cuts, children } = top
    if (at - from <= this.#pieceBytes) return
    const long = { isList, from, to: at, cuts, children }
    if (parent === undefined) return void (this.root = long)
    if (parent.lastComma > parent.lastCut) cut(parent, parent.lastComma)
    parent.children.push(long)
    parent.isCutNext = true
  }
}

function cut(open: Open, at: number): void {
  open.cuts.push(at)
  open.lastCut = at
  open.isCutNext = false
}

/**
 * Does what `JSON.parse` does, piece by piece, with a `yield` behind each; `root` was found by a `PieceFinder` in the same bytes.
 * Throws `SyntaxError`.
 */
export function* parsePieces(bytes: Buffer, root: Long): Generator<undefined, unknown> {
  expectBlank(bytes, 0, root.from)
  expectBlank(bytes, root.to + 1, bytes.length)
  return yield* parseLong(bytes, root)
}

function* parseLong(bytes: Buffer, long: Long): Generator<undefined, unknown> {
  const { isList, cuts, children } = long
  // put together once, at the end: a list that grows leaves several times its own size to be collected
  const lists: unknown[][] = []
  const object: Record<string, unknown> = {}
  let next = 0
  let from = long.from + 1
  for (const to of [...cuts, long.to]) {
    const child = children[next]
    if (child !== undefined && child.from < to) {
      next++
      const head = bytes.toString('utf8', from, child.from)
      // a key and its colon; a value in place of the child makes it whole
      const [key] = isList ? [] : Object.keys(parse(`{${head}0}`, from) as object)
      if (isList) expectBlank(bytes, from, child.from)
      expectBlank(bytes, child.to + 1, to)
      const value = yield* parseLong(bytes, child)
      if (key === undefined) lists.push([value])
      else put(object, key, value)
    } else {
      const piece = inBrackets(bytes, from, to, isList)
      if (cuts.length > 0 && piece.slice(1, -1).trim() === '')
        throw new SyntaxError(`Unexpected comma near byte ${to}`)
      const part = parse(piece, from) as object
      if (isList) lists.push(part as unknown[])
      else for (const [key, value] of Object.entries(part)) put(object, key, value)
    }
    from = to + 1
    yield
  }
  if (!isList) return object
  return lists.length === 1 ? lists[0] : ([] as unknown[]).concat(...lists)
}

const [LIST, OBJECT] = [Buffer.from('[]'), Buffer.from('{}')]

/** The text from `from` up to `to` with brackets, which stand in the bytes on both sides of it while it is read: that takes one string. */
function inBrackets(bytes: Buffer, from: number, to: number, isList: boolean): string {
  const [before, behind] = [bytes[from - 1] as number, bytes[to] as number]
  const [opening, closing] = (isList ? LIST : OBJECT) as unknown as [number, number]
  bytes[from - 1] = opening
  bytes[to] = closing
  const text = bytes.toString('utf8', from - 1, to + 1)
  bytes[from - 1] = before
  bytes[to] = behind
  return text
}

/** As `JSON.parse` sets it: `__proto__` is a key like any other. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

function parse(piece: string, from: number): unknown {
  try {
    return JSON.parse(piece)
  } catch (error) {
    const what = (error as Error).message.replace(/ (in JSON )?at position .*$/s, '')
    throw new SyntaxError(`${what}, in what follows byte ${from}`, { cause: error })
  }
}

function expectBlank(bytes: Buffer, from: number, to: number): void {
  const text = bytes.toString('utf8', from, to)
  if (/[^ \t\n\r]/.test(text)) throw new SyntaxError(`Unexpected text near byte ${from}`)
}
