import { consoleFormat } from '../../text/console-format.ts'

/** fairseq2's console: `Train Metrics (step 10) - Loss: 2.5 | Gradient Norm: 1.5 | Learning Rate: 5e-05`. */
export const fairseq2 = consoleFormat({
  name: 'fairseq2',
  title: 'fairseq2, console',
  entry: /\bTrain Metrics \(step (?<step>[\d,]+)\) - /,
  field:
    / [-|] (Loss|NLL Loss|CTC Loss|Gradient Norm|Learning Rate|Loss Scale|Elements per Second): ([^\s|]+)/g,
  names: {
    Loss: 'loss',
    'Gradient Norm': 'grad_norm',
    'Learning Rate': 'lr',
    'Loss Scale': 'loss_scale',
  },
  note: 'fairseq2 prints the mean of the norms since the line before, not that of one step.',
})
