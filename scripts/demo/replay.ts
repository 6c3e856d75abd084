import { setInterval } from 'node:timers/promises'
import { init } from '@normwatch/sdk'
import { readRecordedLog } from './recorded-log.ts'

export interface Replay {
  readonly folder: string
  readonly file: string
  readonly name: string
  readonly notes: string
}

/** Milliseconds between two checks of the clock. */
const TICK = 50

/** Logs a recorded training as if it ran now, at `speed` training steps per second, until its end or until stopped. */
export async function replay(
  { folder, file, name, notes }: Replay,
  speed: number,
  signal: AbortSignal,
): Promise<void> {
  const { maxNorm, steps, source } = await readRecordedLog(folder, file)
  const run = init({ project: 'demo', name, maxNorm, notes: `${notes} ${source}`, tags: ['replay'] })
  const startedAt = performance.now()
  let next = 0
  try {
    for await (const _ of setInterval(TICK, undefined, { signal })) {
      const reached = ((performance.now() - startedAt) / 1_000) * speed
      for (; next < steps.length && (steps[next]?.step ?? 0) <= reached; next++) run.log(steps[next] ?? {})
      if (next === steps.length) break
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  await run.finish({ status: signal.aborted ? 'failed' : 'finished' })
}
