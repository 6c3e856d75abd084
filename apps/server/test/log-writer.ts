/**
 * `node log-writer.ts FORMAT PATH TO`: a training that writes its log, a step every few milliseconds. It appends with the step after
 * the last whole one that its log and `PATH.1` hold, as a training that was resumed at once; it opens the file for each step, so that it goes on in a new one when the log is rotated.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { scalarEvent } from '../../../bench/import/logs.ts'

export const norm = (step: number): number => 1 + (step % 7) / 8
const loss = (step: number): number => 2 + (step % 5) / 4

/** How each tool writes a step, and how many bytes or which words tell that one is whole. */
export const WRITERS: Readonly<Record<string, (step: number, isFirst: boolean) => Buffer | string>> = {
  'json-lines': (step) => `${JSON.stringify({ step, loss: loss(step), grad_norm: norm(step) })}\n`,
  table: (step, isFirst) => `${isFirst ? 'step,loss,grad_norm\n' : ''}${step},${loss(step)},${norm(step)}\n`,
  torchtitan: (step) =>
    `[rank0]:[titan] 2025-01-02 03:04:05,678 - root - INFO - step: ${step}  loss: ${loss(step)}  grad_norm: ${norm(step)}  memory: 4.5GiB(5%)\n`,
  megatron: (step) =>
    ` iteration ${step}/ 9999 | learning rate: 1.0E-04 | lm loss: ${loss(step)} | grad norm: ${norm(step)} | number of skipped iterations: 0 | number of nan iterations: 0 |\n`,
  tensorboard: (step) =>
    Buffer.concat([
      scalarEvent(step, 'train/loss', loss(step)),
      scalarEvent(step, 'train/grad_norm', norm(step)),
    ]),
}

/** Steps that a log holds: each writes the same number of pieces. */
function stepsIn(format: string, path: string): number {
  const text = [`${path}.1`, path].filter(existsSync).map((file) => readFileSync(file, 'latin1'))
  const mark = { table: /^\d+,/gm, tensorboard: /grad_norm/g }[format] ?? /\n/g
  return text.join('').match(mark)?.length ?? 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [format = '', path = '', to = ''] = process.argv.slice(2)
  const write = WRITERS[format]
  if (write === undefined)
    throw new Error(`unknown format ${format}; known: ${Object.keys(WRITERS).join(', ')}`)
  for (let step = stepsIn(format, path); step < Number(to); step++) {
    appendFileSync(path, write(step, !existsSync(path)))
    await setTimeout(4)
  }
}
