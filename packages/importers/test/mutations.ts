import { bytesOf, inChunks, metaOf } from './recorded-logs.ts'
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

/**
 * Reads so many mutations of a recorded log, each of the log's first and middle bytes, `length` in all. Each has to be read, with
 * steps that ascend, or refused in words; throws at anything else. Gives the longest time that one took, in milliseconds.
 */
export async function readMutations(name: string, rounds: number, length: number): Promise<number> {
  const random = numbers(name.length * 7919)
  const whole = bytesOf(name)
  const middle = Math.floor(whole.length / 2)
  const piece = Buffer.concat([whole.subarray(0, length / 2), whole.subarray(middle, middle + length / 2)])
  let longest = 0
  for (let round = 0; round < rounds; round++) {
    const bytes = mutated(piece, random)
    const begin = performance.now()
    try {
      const runs = await readLog(inChunks(bytes, 4096), metaOf(name).file)
      for (const { points } of runs)
        for (const [i, step] of points.step.entries())
          if (!Number.isSafeInteger(step) || step < 0 || (i > 0 && step <= (points.step[i - 1] as number)))
            throw new Error(`Mutation ${round} of ${name} has step ${step} in row ${i}.`)
    } catch (error) {
      if (!(error instanceof LogRefused || error instanceof UnknownFormat))
        throw new Error(`Mutation ${round} of ${name} is neither read nor refused.`, { cause: error })
    }
    longest = Math.max(longest, performance.now() - begin)
  }
  return longest
}
