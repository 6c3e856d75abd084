import { describe, expect, it } from 'vitest'
import { bytesOf, countedNames, inChunks, metaOf, recordedNames } from '../test/recorded-logs.ts'
import { LogRefused, readLog, UnknownFormat } from './index.ts'

/** Bytes of each log that are mutated, and how often: together well under a minute. */
const PIECE = 60_000
const ROUNDS = 25

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

/** Flips, inserts, removes and repeats bytes. */
function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  let out = Buffer.from(bytes)
  for (let i = 0; i < 1 + random() * 20; i++) {
    const at = Math.floor(random() * out.length)
    const kind = Math.floor(random() * 4)
    if (kind === 0) out[at] = Math.floor(random() * 256)
    else if (kind === 1)
      out = Buffer.concat([out.subarray(0, at), Buffer.from('{[",9e999:\n\r'), out.subarray(at)])
    else if (kind === 2)
      out = Buffer.concat([out.subarray(0, at), out.subarray(at + Math.floor(random() * 200))])
    else out = Buffer.concat([out.subarray(0, at), out.subarray(Math.max(0, at - 300))])
  }
  return out
}

describe('mutated logs', () => {
  it.each([...recordedNames, ...countedNames])(
    '%s is read or refused in words, however it is broken',
    async (name) => {
      const random = numbers(name.length * 7919)
      const whole = bytesOf(name)
      const middle = Math.floor(whole.length / 2)
      const piece = Buffer.concat([whole.subarray(0, PIECE / 2), whole.subarray(middle, middle + PIECE / 2)])
      for (let round = 0; round < ROUNDS; round++) {
        try {
          const runs = await readLog(inChunks(mutated(piece, random), 4096), metaOf(name).file)
          for (const { points } of runs)
            expect(
              [...points.step].every(
                (step, i) =>
                  Number.isSafeInteger(step) &&
                  step >= 0 &&
                  (i === 0 || step > (points.step[i - 1] as number)),
              ),
            ).toBe(true)
        } catch (error) {
          if (!(error instanceof LogRefused || error instanceof UnknownFormat)) throw error
        }
      }
    },
  )
})

describe('a log without end', () => {
  const encoder = new TextEncoder()

  it('with a line of 100 million characters costs no more memory than the longest line that is kept', async () => {
    const junk = encoder.encode('x'.repeat(65_536))
    async function* chunks() {
      yield encoder.encode('{"step": 1, "loss": 2, "grad_norm": 3}\n')
      for (let i = 0; i < 1_526; i++) yield junk
      yield encoder.encode('\n{"step": 2, "loss": 2, "grad_norm": 3}\n')
    }
    const [run] = await readLog(chunks(), 'x.jsonl')
    expect([...(run?.points.step ?? [])]).toEqual([1, 2])
  })

  it('that is nested 10,000 deep is refused', async () => {
    async function* chunks() {
      yield encoder.encode(`{"log_history": [${'['.repeat(10_000)}`)
    }
    await expect(readLog(chunks(), 'trainer_state.json')).rejects.toThrow('nested more than 64 deep')
  })

  it('that begins anew again and again costs time in proportion to its rows', async () => {
    const time = async (attempts: number): Promise<number> => {
      const text = Array.from({ length: attempts }, (_, i) =>
        Array.from(
          { length: 20 },
          (_, j) => `{"step": ${100 + i * 5 + j}, "loss": ${i}, "grad_norm": ${j}}\n`,
        ).join(''),
      ).join('')
      const begin = performance.now()
      const [run] = await readLog(inChunks(encoder.encode(text), 65_536), 'x.jsonl')
      expect(run?.events).toHaveLength(attempts - 1)
      return performance.now() - begin
    }
    await time(200)
    const [some, many] = [await time(500), await time(4000)]
    // eight times the rows: quadratic handling would take sixty-four times as long
    expect(many / some).toBeLessThan(30)
  })
})
