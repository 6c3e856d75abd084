import { consoleFormat } from '../../text/console-format.ts'

/** slime's trainers: `step 3: {'train/loss': 0.01, 'train/grad_norm': 0.125, 'train/lr-pg_0': 1e-06}`; the critic's `critic-step 3: {'train/critic-grad_norm': …`. */
export const slime = consoleFormat({
  name: 'slime',
  title: 'slime, console',
  entry: /\bstep (?<step>\d+): \{'train\//,
  field: /'(train\/(?!step')[^']+)': ((?:np\.\w+|tensor)\([^)]*\)|[^,}]+)/g,
  names: { 'train/lr-pg_0': 'lr' },
})
