import { describe, expect, it } from 'vitest'
import { readGrammarMade, readMutations, wholeLogs } from '../test/mutations.ts'
import { inChunks } from '../test/recorded-logs.ts'
import { readLog } from './index.ts'

/** Bytes of each log that are mutated, and how often: together well under a minute. `bench/import/mutations.ts` does it 10,000 times. */
const PIECE = 40_000
const ROUNDS = 20

describe('mutated logs', { timeout: 60_000 }, () => {
  it.each(wholeLogs)('$name is read or refused in words, however it is broken', async (log) => {
    await readMutations(log, ROUNDS, PIECE)
  })

  it('made of words of logs by chance are read or refused in words', async () => {
    await readGrammarMade(300)
  })
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

  it('that restarts again and again costs time in proportion to its rows', async () => {
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
