import { consoleFormat } from '../../text/console-format.ts'

/** torchtitan's console: `[rank0]:2025-01-01 10:00:00 - root - INFO - step:  1  loss:  8.2  grad_norm:  1.5  memory: …`; every rank may print it. */
export const torchtitan = consoleFormat({
  name: 'torchtitan',
  title: 'torchtitan, console',
  entry: /\bstep:\s*(?<step>[\d,]+)\s+loss:\s*\S+/,
  field: /(?:^|\s)(loss|grad_norm|tps|tflops):\s*(\S+)/g,
  names: {},
})
