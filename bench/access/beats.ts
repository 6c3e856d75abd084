import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the beat inside a server (`beat.ts`) has noted. */
export class Beats {
  /** Variables of the server's environment that make it beat. */
  readonly environment: Record<string, string>
  readonly #file: string

  constructor(folder: string) {
    this.#file = join(folder, 'beats')
    const preload = `--import=${join(import.meta.dirname, 'beat.ts')}`
    this.environment = { NODE_OPTIONS: preload, BEAT_FILE: this.#file }
  }

  /** Milliseconds of the longest turn since then: `turn` by the main thread's own time, `beat` by the clock. */
  longestSince(instant: number): { turn: number; beat: number } {
    const lines = existsSync(this.#file) ? readFileSync(this.#file, 'utf8').trim().split('\n') : []
    const late = lines.map((line) => line.split(' ').map(Number)).filter(([at = 0]) => at >= instant)
    return {
      beat: Math.max(0, ...late.map(([, delay = 0]) => delay)),
      turn: Math.max(0, ...late.map(([, , turn = 0]) => turn)),
    }
  }
}
