/** A training process for tests: logs 10 steps, prints "ready", then ends in the way that its argument names. */
import { writeSync } from 'node:fs'
import { init } from '../src/index.ts'

const run = init({ id: 'toy' })
for (let step = 0; step < 10; step++) run.log({ step, gradNorm: step + 1, loss: 1 / (step + 1) })

const endings: Record<string, () => void> = {
  'ends by itself': () => {},
  'ends by itself with an exit code': () => void (process.exitCode = 3),
  'calls process.exit(0)': () => process.exit(0),
  'calls process.exit(2)': () => process.exit(2),
  throws: () => {
    throw new Error('out of data')
  },
  'rejects unhandled': () => void Promise.reject(new Error('out of data')),
  waits: () => {
    process.stdout.write('ready\n')
    setInterval(() => {}, 1_000)
  },
  'handles SIGTERM itself': () => {
    process.on('SIGTERM', () => setTimeout(() => process.exit(7), 50))
    process.stdout.write('ready\n')
    setInterval(() => {}, 1_000)
  },
  'logs for ever and never yields': () => {
    const aMoment = new Int32Array(new SharedArrayBuffer(4))
    for (let step = 10; ; step++) {
      run.log({ step, loss: step })
      writeSync(1, `${step}\n`)
      Atomics.wait(aMoment, 0, 0, 2)
    }
  },
  'logs for ever': () => {
    let step = 10
    setInterval(() => {
      run.log({ step, loss: step })
      process.stdout.write(`${step++}\n`)
    }, 2)
  },
}
endings[process.argv[2] ?? '']?.()
