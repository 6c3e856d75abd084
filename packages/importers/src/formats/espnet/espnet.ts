import type { Format } from '../../format.ts'
import { consoleLines, printedTime } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const ENTRY = /\b(\d+)epoch:train:\d+-(\d+)batch: /
const EPOCH_END = /\b(\d+)epoch results: .*?\[train\].*?\btotal_count=(\d+)/
const FIELD = /(?:^|[\s,])(loss|grad_norm|loss_scale|optim0_lr0|clip)=([^\s,]+)/g
const NAMES: Readonly<Record<string, string>> = { optim0_lr0: 'lr', clip: 'clip_percent' }

/**
 * ESPnet2's console: `1epoch:train:1-50batch: iter_time=…, loss=80.1, grad_norm=12.3, clip=100.000, loss_scale=1.0,
 * optim0_lr0=1e-06, …`. Batches are counted from 1 in each epoch; the results at an epoch's end say how many there were in
 * all (`total_count=…`). Without them the last batch printed counts as the epoch's last.
 */
export const espnet: Format = {
  name: 'espnet',
  title: 'ESPnet2, console',
  score: ({ text }) => (ENTRY.test(text) ? 0.95 : 0),
  async read(stream, log) {
    /** Batches before each epoch. */
    const before = new Map<number, number>()
    let newest = 0
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const [, ended, total] = EPOCH_END.exec(line) ?? []
        if (total !== undefined) before.set(Number(ended) + 1, Number(total))
        const [, epochText, batch] = ENTRY.exec(line) ?? []
        if (batch === undefined) continue
        const epoch = Number(epochText)
        const offset = before.get(epoch) ?? newest
        before.set(epoch, offset)
        newest = offset + Number(batch)
        const readings = new Map<string, number>()
        for (const [, key = '', text = ''] of line.matchAll(FIELD)) {
          const value = printedNumber(text)
          if (value !== undefined) readings.set(NAMES[key] ?? key, value)
        }
        log.run().add(newest, printedTime(line), readings)
      }
    log.note('Each line of ESPnet is a mean over some batches; its step is the last of them.')
  },
}
