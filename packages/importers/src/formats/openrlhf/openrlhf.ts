import { consoleFormat } from '../../text/console-format.ts'

/** OpenRLHF's console: `Global step 3: {'policy_loss': 0.02, 'actor_grad_norm': np.float64(0.5), 'critic_grad_norm': 1.2}`. */
export const openrlhf = consoleFormat({
  name: 'openrlhf',
  title: 'OpenRLHF, console',
  entry: /\bGlobal step (?<step>\d+): \{/i,
  field: /'([^']+)': ((?:np\.\w+|tensor)\([^)]*\)|'[^']*'|[^,}]+)/g,
  names: { policy_loss: 'loss', actor_lr: 'lr' },
})
