import { bytesOf, countedNames, inChunks, metaOf, recordedNames } from './recorded-logs.ts'
import { madeLines } from './made-lines.ts'
import { madeBytes, madeLogs } from './made-logs.ts'
import { LogRefused, readLog, UnknownFormat } from '../src/index.ts'

/** A generator of the same numbers every time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What a grammar of logs would put where it does not belong. */
const PIECES = [
  '{[",9e999:\n\r',
  '"step": -1, ',
  'step: 18446744073709551615 ',
  'grad_norm: nan ',
  '{"log_history": [[',
  '"__proto__": {"step": 3}, ',
  '1e400,',
  '\u001b[31m\u001b[',
  '|||:::===...',
  `${'9'.repeat(400)} `,
  '{"config": {"max_grad_norm": [1]}}\n',
] as const

/** Flips, inserts, removes and repeats bytes, and puts pieces of logs where they do not belong. */
function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  let out = Buffer.from(bytes)
  for (let i = 0; i < 1 + random() * 20; i++) {
    const at = Math.floor(random() * out.length)
    const kind = Math.floor(random() * 4)
    const piece = PIECES[Math.floor(random() * PIECES.length)] as string
    if (kind === 0) out[at] = Math.floor(random() * 256)
    else if (kind === 1) out = Buffer.concat([out.subarray(0, at), Buffer.from(piece), out.subarray(at)])
    else if (kind === 2)
      out = Buffer.concat([out.subarray(0, at), out.subarray(at + Math.floor(random() * 200))])
    else out = Buffer.concat([out.subarray(0, at), out.subarray(Math.max(0, at - 300))])
  }
  return out
}

/** A log without mutations, and what it is called. */
export interface WholeLog {
  readonly name: string
  readonly path: string
  readonly bytes: Uint8Array
}

/** All recorded logs, those that were made with tools whose logs are binary, and lines in the shape of each text format. */
export const wholeLogs: readonly WholeLog[] = [
  ...[...recordedNames, ...countedNames].map((name) => ({
    name,
    path: metaOf(name).file,
    bytes: bytesOf(name),
  })),
  ...Object.entries(madeLogs).map(([path, file]) => ({ name: file, path, bytes: madeBytes(file) })),
  ...Object.entries(madeLines).map(([format, { path = 'train.log', text }]) => ({
    name: `lines of ${format}`,
    path,
    bytes: Buffer.from(text),
  })),
]

/**
 * Reads so many mutations of a log, each of its first and middle bytes, `length` in all. A format whose index stands at the end
 * (`isWhole`) is mutated as a whole. Each has to be read, with steps that ascend, or refused in words; throws at anything else.
 * Gives the longest time that one took, in milliseconds.
 */
export async function readMutations(
  { name, path, bytes: whole }: WholeLog,
  rounds: number,
  length: number,
): Promise<number> {
  const random = numbers(name.length * 7919)
  const middle = Math.floor(whole.length / 2)
  const isWhole = /\.(?:parquet|sst)$/.test(path)
  const piece = isWhole
    ? whole
    : Buffer.concat([whole.subarray(0, length / 2), whole.subarray(middle, middle + length / 2)])
  let longest = 0
  for (let round = 0; round < rounds; round++)
    longest = Math.max(longest, await readOne(mutated(piece, random), path, `Mutation ${round} of ${name}`))
  return longest
}

/** Words of which logs are made: names, numbers, and what stands between them, each where it does not belong. */
const WORDS = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '"',
  "'",
  '\n',
  '\r',
  '\t',
  ' | ',
  ' - ',
  '=',
  '(',
  ')',
  '\\',
  '/',
  'step',
  'global_step',
  'iteration',
  'epoch',
  'loss',
  'lm loss',
  'grad_norm',
  'grad norm',
  'gnorm',
  'lr',
  'norm',
  'max_grad_norm',
  'log_history',
  'history',
  'config',
  '_step',
  'train/',
  'actor/',
  'Train: [0/9][',
  's:',
  ' trl:',
  'nan',
  'NaN',
  'Infinity',
  '-inf',
  '0',
  '1',
  '7',
  '-3',
  '1e999',
  '2.5',
  '1,234',
  '0x10',
  'null',
  'true',
  '9007199254740993',
  'np.float64(',
  'tensor(',
  '[rank0]:',
  '\u001b[36m',
  '2024-01-02 03:04:05',
  'Epoch(train) [1][',
  '__proto__',
  'é',
  '\ud83d\ude00',
] as const

/** Reads so many logs that are made of such words by chance, a third of them as lines of JSON. As `readMutations`. */
export async function readGrammarMade(rounds: number): Promise<number> {
  const random = numbers(20_26)
  const pick = (): string => WORDS[Math.floor(random() * WORDS.length)] as string
  const jsonLine = (): string => {
    const fields = Array.from({ length: 1 + random() * 5 }, () => `${JSON.stringify(pick())}: ${pick()}`)
    return `{"step": ${pick()}, ${fields.join(', ')}}\n`
  }
  let longest = 0
  for (let round = 0; round < rounds; round++) {
    const pieces = Array.from({ length: 5 + random() * 300 }, round % 3 === 0 ? jsonLine : pick)
    const text = new TextEncoder().encode(pieces.join(''))
    const path = ['train.log', 'x.jsonl', 'metrics.csv', 'trainer_state.json'][round % 4] as string
    longest = Math.max(longest, await readOne(text, path, `Made log ${round}`))
  }
  return longest
}

/** Milliseconds that reading took. Throws where the log is neither read nor refused. */
async function readOne(bytes: Uint8Array, path: string, what: string): Promise<number> {
  const begin = performance.now()
  try {
    const runs = await readLog(inChunks(bytes, 4096), path)
    for (const { points } of runs)
      for (const [i, step] of points.step.entries())
        if (!Number.isSafeInteger(step) || step < 0 || (i > 0 && step <= (points.step[i - 1] as number)))
          throw new Error(`${what} has step ${step} in row ${i}.`)
  } catch (error) {
    if (!(error instanceof LogRefused || error instanceof UnknownFormat))
      throw new Error(`${what} is neither read nor refused.`, { cause: error })
  }
  return performance.now() - begin
}
