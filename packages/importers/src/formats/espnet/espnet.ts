import { consoleFormat } from '../../text/console-format.ts'

/** ESPnet2's console: `1epoch:train:1-50batch: iter_time=…, loss=80.1, grad_norm=12.3, clip=100.000, loss_scale=1.0, optim0_lr0=1e-06, …`. */
export const espnet = consoleFormat({
  name: 'espnet',
  title: 'ESPnet2, console',
  entry: /\depoch:train:\d+-(?<step>\d+)batch: /,
  field: /(?:^|[\s,])(loss|grad_norm|loss_scale|optim0_lr0|clip)=([^\s,]+)/g,
  names: { optim0_lr0: 'lr', clip: 'clip_percent' },
  note: 'ESPnet counts batches anew in each epoch: each epoch is a run of its own.',
})
