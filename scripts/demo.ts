/**
 * `npm run demo [-- --speed 100] [--url http://127.0.0.1:4280]`: three trainings to watch. Two replay real logs through
 * the SDK, at `--speed` training steps per second. The third really trains a small RNN, with and without clipping.
 * Uses the server at `--url`, or starts one. Ctrl-C stops everything.
 */
import { parseArgs } from 'node:util'
import { exercises, runExercise } from '../examples/toy-rnn.ts'
import { findOrStartServer } from './demo/demo-server.ts'
import { replay, type Replay } from './demo/replay.ts'

const { values } = parseArgs({
  options: {
    speed: { type: 'string', default: '100' },
    url: { type: 'string', default: process.env['NORMWATCH_URL'] ?? 'http://127.0.0.1:4280' },
  },
})
const speed = Number(values.speed)
if (!(speed > 0)) {
  console.error(`--speed must be a number of steps a second above 0, not "${values.speed}".`)
  process.exit(1)
}

const replays: Replay[] = [
  {
    folder: 'llmc-gpt2-124m',
    file: 'main.log.gz',
    name: 'GPT-2 124M (llm.c)',
    notes: 'Healthy: clipped in its warm-up only.',
  },
  {
    folder: 'mistral7b-lora-translator',
    file: 'trainer_state.json.gz',
    name: 'Mistral 7B LoRA translator',
    notes: 'Saturated: clipped from its first step on.',
  },
]

const stop = new AbortController()
process.on('SIGINT', () => stop.abort()).on('SIGTERM', () => stop.abort())
process.env['NORMWATCH_URL'] = values.url

const server = await findOrStartServer(values.url, stop.signal)
if (server !== undefined) {
  console.log(`\n  Look at ${values.url}/ : one run stays healthy, one is flagged, one trains right here.\n`)
  await Promise.all([...replays.map((one) => replay(one, speed, stop.signal)), runExercises()])
  if (!stop.signal.aborted) await server.untilStopped('All runs have ended.')
  await server.close()
}

async function runExercises(): Promise<void> {
  for (const exercise of exercises) if (!stop.signal.aborted) await runExercise(exercise, stop.signal)
}
