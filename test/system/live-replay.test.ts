import { join } from 'node:path'
import type { Finding, LiveFrame, Run as StoredRun } from '@normwatch/protocol'
import { init } from '@normwatch/sdk'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { readRecordedLog, type RecordedLog } from '../../scripts/demo/recorded-log.ts'
import { startRealServer, type RealServer } from './real-server.ts'

/** What a reader of the live socket knows about one run. Like the dashboard, it fetches again after a gap. */
class Reader {
  readonly frames: LiveFrame[] = []
  readonly norms = new Map<number, unknown>()
  readonly #server: RealServer
  readonly #run: string
  #fetched: Promise<unknown> = Promise.resolve()

  constructor(server: RealServer, run: string) {
    this.#server = server
    this.#run = run
  }

  async open(): Promise<void> {
    const socket = new WebSocket(`${this.#server.url.replace('http', 'ws')}/api/v1/live`)
    onTestFinished(() => socket.close())
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as LiveFrame))
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', reject)
    })
    socket.send(JSON.stringify({ type: 'watch', run: this.#run, metrics: ['grad_norm', 'loss'] }))
    await expect.poll(() => this.frames.some(({ type }) => type === 'run')).toBe(true)
  }

  /** Resolves when the end of the run was received and every fetch is complete. */
  async untilFinished(): Promise<void> {
    await vi.waitFor(
      () => {
        const last = this.frames.findLast((frame) => frame.type === 'run')
        expect(last).toMatchObject({ run: { status: 'finished' } })
      },
      { timeout: 10_000 },
    )
    await this.#fetched
  }

  opened(kind: string): Finding[] {
    return this.frames.flatMap((frame) =>
      frame.type === 'finding' && frame.finding.kind === kind ? [frame.finding] : [],
    )
  }

  #receive(frame: LiveFrame): void {
    this.frames.push(frame)
    if (frame.type === 'points') {
      frame.columns.step.forEach((step, row) => this.norms.set(step, frame.columns['grad_norm']?.[row]))
    }
    if (frame.type === 'gap') this.#fetched = this.#fetched.then(() => this.#fetch())
  }

  async #fetch(): Promise<void> {
    for (const { step, grad_norm } of await this.#server.points(this.#run))
      this.norms.set(step as number, grad_norm)
  }
}

const STEPS_A_FLUSH = 200

/** Replays a recorded training much faster, with a reader from its first step on. */
async function replay(server: RealServer, id: string, { maxNorm, steps }: RecordedLog) {
  const run = init({ id, url: server.url, maxNorm, spoolDir: join(server.folder, 'spool') })
  await run.flush()
  const reader = new Reader(server, id)
  await reader.open()
  for (const [i, readings] of steps.entries()) {
    run.log(readings)
    if (i % STEPS_A_FLUSH === 0) await run.flush()
  }
  const report = await run.finish({ timeoutMs: 60_000 })
  expect(report).toMatchObject({ sent: steps.length, unsent: 0, refused: 0, lost: 0 })
  await reader.untilFinished()
  return reader
}

const norms = ({ steps }: RecordedLog) => new Map(steps.map(({ step, grad_norm }) => [step, grad_norm]))

describe('a real log, replayed as live training through the SDK and watched on the live socket', () => {
  it('is not flagged if only the warm-up is clipped (llm.c, GPT-2 124M)', async () => {
    const server = await startRealServer()
    const log = await readRecordedLog('llmc-gpt2-124m', 'main.log.gz')
    const reader = await replay(server, 'gpt2', log)
    expect(reader.opened('clip_saturated')).toEqual([])
    const run = await server.get<StoredRun>('/runs/gpt2')
    expect(run).toMatchObject({ points: 19_560, last_step: 19_559, status: 'finished', health: 'ok' })
    expect(run.clipping.rate_total).toBeCloseTo(241 / 19_560, 6)
    const { findings } = await server.get<{ findings: Finding[] }>('/runs/gpt2/findings')
    expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([])
    expect(reader.norms).toEqual(norms(log))
  })

  it('is flagged within its first 150 points if nearly every step is clipped (Mistral 7B LoRA)', async () => {
    const server = await startRealServer()
    const log = await readRecordedLog('mistral7b-lora-translator', 'trainer_state.json.gz')
    const reader = await replay(server, 'mistral', log)
    const [saturated] = reader.opened('clip_saturated')
    expect(saturated).toMatchObject({ kind: 'clip_saturated', severity: 'warning', run: 'mistral' })
    const flaggedAt = log.steps.findIndex(({ step }) => step === saturated?.opened_step)
    expect(flaggedAt).toBeGreaterThanOrEqual(0)
    expect(flaggedAt).toBeLessThan(150)
    expect(await server.get<StoredRun>('/runs/mistral')).toMatchObject({ points: 866, health: 'flagged' })
    expect(reader.norms).toEqual(norms(log))
  })
})
