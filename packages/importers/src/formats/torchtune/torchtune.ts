import { consoleFormat } from '../../text/console-format.ts'

/** torchtune's console and `log_….txt`: `Step 3 | loss:1.56 lr:2e-05 tokens_per_second_per_gpu:1200.5 grad_norm:3.25`, the norm only where it clips. */
export const torchtune = consoleFormat({
  name: 'torchtune',
  title: 'torchtune, console and text log',
  entry: /^Step (?<step>\d+) \| [\w/.-]+:\S/,
  field: /(?:\| | )([\w/.-]+):((?:tensor|DTensor)\([^)]*\)|\S+)/g,
  names: {},
})
