import { splitLines } from './lines.ts'
import { decodeUtf8 } from './utf8.ts'

/** What a runtime, a launcher or a collector puts around a line; gives the line itself, `undefined` where it is not carried so. */
interface Carrier {
  readonly bare: (line: string) => string | undefined
  /** Other lines may look the same: only few different texts stand before them, such as the names of services or ranks. */
  readonly isVague?: true
}

/** In nanoseconds, without zeros at the end: what a training prints itself has three or six digits, and is the time of its step. */
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d)`

const behind = (prefix: RegExp) => (line: string) => {
  const end = prefix.exec(line)?.[0].length
  return end === undefined ? undefined : line.slice(end)
}

const CARRIERS: readonly Carrier[] = [
  // containerd and CRI-O
  { bare: behind(new RegExp(`^${TIME} (?:stdout|stderr) [FP] `)) },
  // kubectl logs --timestamps, docker logs --timestamps
  { bare: behind(new RegExp(`^${TIME} `)) },
  // kubectl logs --prefix
  { bare: behind(/^\[pod\/[^\]\s]+\] /) },
  // torchrun --tee, with the rank at its node or without
  { bare: behind(/^\[(?:default|[\w.]*rank)\d+\]: ?/) },
  // mpirun --tag-output
  { bare: behind(/^\[\d+,\d+\]<std(?:out|err)>: ?/) },
  // Ray
  { bare: behind(/^\([\w.:-]+ pid=\d+(?:, ip=[\d.]+)?\) /) },
  // syslog, journalctl
  {
    bare: behind(/^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) [\w.-]+ [\w.@/-]+\[\d+\]: /),
  },
  // docker compose
  { bare: behind(/^[A-Za-z][\w.-]*\s*\| ?/), isVague: true },
  // srun --label
  { bare: behind(/^\s*\d{1,5}: /), isVague: true },
  // Docker's files, and what `logcli --output jsonl` prints of Loki
  { bare: (line) => textIn(line, 'log', 'stream') ?? textIn(line, 'line', 'labels') },
]

/** A JSON object's text under `key`, where it has the other key too. */
function textIn(line: string, key: string, other: string): string | undefined {
  if (!line.startsWith('{') || !line.includes(`"${key}"`) || !line.includes(`"${other}"`)) return undefined
  try {
    const { [key]: text, [other]: along } = JSON.parse(line) as Record<string, unknown>
    return typeof text === 'string' && along !== undefined ? text.replace(/\r?\n$/, '') : undefined
  } catch {
    return undefined
  }
}

// eslint-disable-next-line no-control-regex
const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g

export const withoutColours = (text: string): string =>
  text.includes('\u001b') ? text.replace(ANSI, '') : text

/** Bytes of the beginning by which is known how a log is carried. */
const LOOK_BYTES = 65_536
const LINE_END = 10
/** Share of the lines that must be carried the same way. */
const MOST = 0.8
/** Different texts before the lines of a vague carrier, at most as a share of the lines: steps differ from line to line. */
const FEW_NAMES = 0.25
/** A log of a service, in a container, at a collector. */
const MAX_DEPTH = 3

/**
 * The bytes of a log as its training wrote them: in UTF-8, without colours and without what carried each line. A log that is not
 * carried, and what is no text, passes as it is.
 */
export async function* bareLog(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  try {
    let bytes = 0
    // a log that grows shows it by its first line
    while (bytes < LOOK_BYTES && !first.some((chunk) => chunk.includes(LINE_END) || chunk.includes(0))) {
      const { done, value } = await source.next()
      if (done === true) break
      first.push(value)
      bytes += value.length
    }
    const all = following(first, source)
    const wide = wideEncoding(first)
    const isBinary = wide === undefined && first.some((chunk) => chunk.includes(0))
    const lines = isBinary ? [] : linesOf(first, wide)
    const carriers = carriersOf(lines.map(withoutColours))
    const isColoured = lines.some((line) => line.includes('\u001b['))
    if (wide === undefined && carriers.length === 0 && !isColoured) return yield* all
    const bare = (line: string) =>
      carriers.reduce((text, carrier) => carrier.bare(text) ?? text, withoutColours(line))
    const encoder = new TextEncoder()
    const text = wide === undefined ? decodeUtf8(all) : decodeWide(all, wide)
    for await (const some of splitLines(text)) yield encoder.encode(`${some.map(bare).join('\n')}\n`)
  } finally {
    await source.return?.()
  }
}

async function* following(
  first: readonly Uint8Array[],
  source: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first
  for (;;) {
    const { done, value } = await source.next()
    if (done === true) return
    yield value
  }
}

/** The carriers of these lines, the outermost first. */
function carriersOf(lines: readonly string[]): Carrier[] {
  const found: Carrier[] = []
  let texts = lines.filter((line) => line.trim() !== '')
  while (found.length < MAX_DEPTH && texts.length > 0) {
    const carrier = CARRIERS.find((one) => carries(one, texts))
    if (carrier === undefined) break
    found.push(carrier)
    texts = texts.map((line) => carrier.bare(line) ?? line).filter((line) => line.trim() !== '')
  }
  return found
}

function carries({ bare, isVague }: Carrier, lines: readonly string[]): boolean {
  const names = new Set<string>()
  let carried = 0
  for (const line of lines) {
    const text = bare(line)
    if (text === undefined) continue
    carried++
    if (isVague) names.add(line.slice(0, line.length - text.length))
  }
  return carried >= MOST * lines.length && names.size <= FEW_NAMES * lines.length
}

/** UTF-16 by its byte order mark, as PowerShell writes what it redirects. */
function wideEncoding([first]: readonly Uint8Array[]): 'utf-16le' | 'utf-16be' | undefined {
  if (first?.[0] === 0xff && first[1] === 0xfe) return 'utf-16le'
  return first?.[0] === 0xfe && first[1] === 0xff ? 'utf-16be' : undefined
}

async function* decodeWide(chunks: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding)
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
}

/** The whole lines of these bytes; all of them where there is one line only. */
function linesOf(chunks: readonly Uint8Array[], encoding = 'utf-8'): string[] {
  const decoder = new TextDecoder(encoding)
  const lines = chunks
    .map((chunk) => decoder.decode(chunk, { stream: true }))
    .join('')
    .split(/\r\n|\r|\n/)
  return lines.length > 1 ? lines.slice(0, -1) : lines
}
