import { consoleFormat } from '../../text/console-format.ts'

/** InternEvo's console: `… loss=11.68 step=0 lr=2e-07 loss_scale=65536.0 grad_norm={'0_default': 2.15} …`. */
export const internevo = consoleFormat({
  name: 'internevo',
  title: 'InternEvo, InternLM, console',
  entry: /^(?=.*\bloss=\S).*?\bstep=(?<step>\d+).*\bgrad_norm=\{/,
  field: /\b(loss|lr|loss_scale|grad_norm)=(?:\{'[^']*':\s*)?([^\s,}]+)/g,
  names: {},
})
