import { describe, expect, it } from 'vitest'
import { readLog } from '../read-log.ts'
import { bareLog } from './carried.ts'

const encoder = new TextEncoder()
const CONSOLE = Array.from(
  { length: 40 },
  (_, i) =>
    `step ${i + 1}/40 | loss ${(4 - i / 20).toFixed(6)} (+nanz)| norm ${(1 + (i % 3)).toFixed(4)} (+nanz)| lr 6.00e-04 | 321.01 ms | 49.1% bf16 MFU | 163328 tok/s`,
)
const JSON_LINES = CONSOLE.map((_, i) =>
  JSON.stringify({ step: i, loss: 4 - i / 20, grad_norm: 1 + (i % 3) }),
)

const wrapped = (lines: readonly string[], around: (line: string, i: number) => string) =>
  encoder.encode(lines.map((line, i) => `${around(line, i)}\n`).join(''))

/** In chunks that cut lines anywhere. */
async function* inChunks(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const ways: Record<string, (line: string, i: number) => string> = {
  'docker compose': (line, i) => `trainer-${i % 2}  | ${line}`,
  'docker compose with colours': (line) => `\u001b[36mtrainer-0  | \u001b[0m${line}`,
  'kubectl logs --timestamps': (line, i) => `2026-11-29T06:00:${10 + i}.123456789Z ${line}`,
  'kubectl logs --prefix': (line) => `[pod/train-0/main] ${line}`,
  containerd: (line) => `2026-11-29T06:00:00.123456789+01:00 stdout F ${line}`,
  'docker’s files': (log) =>
    JSON.stringify({ log: `${log}\n`, stream: 'stdout', time: '2026-11-29T06:00:00.123456789Z' }),
  'logcli --output jsonl': (line) => JSON.stringify({ labels: { pod: 'train-0' }, line, timestamp: '…' }),
  'srun --label': (line, i) => ` ${i % 2}: ${line}`,
  'torchrun --tee': (line) => `[default0]:${line}`,
  'mpirun --tag-output': (line) => `[1,0]<stdout>:${line}`,
  Ray: (line) => `(TrainWorker pid=1234, ip=10.0.0.1) ${line}`,
  syslog: (line) => `Nov 29 06:00:01 node17 train[4242]: ${line}`,
  'a service in a pod at a collector': (line) => `[pod/a/b] 2026-11-29T06:00:00.123456789Z app-1  | ${line}`,
  'a terminal’s colours': (line) => `\u001b[32m${line}\u001b[0m`,
}

describe('a log that was carried here is read as the training wrote it', () => {
  for (const [name, lines] of [
    ['console', CONSOLE],
    ['JSON lines', JSON_LINES],
  ] as const) {
    it.each(Object.keys(ways))(`${name}, by %s`, async (way) => {
      const bytes = wrapped(lines, ways[way] as (line: string, i: number) => string)
      const [bare] = await readLog(inChunks(wrapped(lines, (line) => line)), 'log')
      const [carried] = await readLog(inChunks(bytes), 'log')
      expect(bare?.points.step).toHaveLength(40)
      expect(carried?.points).toEqual(bare?.points)
      expect(carried?.clip).toEqual(bare?.clip)
    })
  }

  it.each(['utf-16le', 'utf-16be'])('in %s, as PowerShell writes it', async (encoding) => {
    const bytes = Buffer.from(`\ufeff${CONSOLE.join('\r\n')}\r\n`, 'utf16le')
    if (encoding === 'utf-16be') bytes.swap16()
    const [run] = await readLog(inChunks(bytes, 999), 'log')
    expect(run?.points.metrics.get('grad_norm')?.values).toHaveLength(40)
  })
})

describe('what is not carried passes byte by byte', () => {
  const text = async (bytes: Uint8Array) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of bareLog(inChunks(bytes))) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  it.each([
    ['steps before a bar', (line: string, i: number) => `epoch${i} | ${line}`],
    ['steps before a colon', (line: string, i: number) => `${i}: ${line}`],
    ['times of a logger', (line: string, i: number) => `2026-11-29T06:00:${10 + i}.123456Z ${line}`],
    ['levels of a logger', (line: string, i: number) => `2026-11-29 06:00:${10 + i} | INFO | ${line}`],
  ])('%s', async (_, around) => {
    const bytes = wrapped(CONSOLE, around)
    expect(await text(bytes)).toEqual(Buffer.from(bytes))
  })

  it('bytes that are no text', async () => {
    const bytes = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 256)
    expect(await text(bytes)).toEqual(Buffer.from(bytes))
  })
})
