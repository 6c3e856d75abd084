import { describe, expect, it } from 'vitest'
import { bytesOf, inChunks, recordedRun } from '../../../test/recorded-logs.ts'
import { readLog } from '../../index.ts'
import { recognise } from '../../read-log.ts'
import type { ImportedRun } from '../../runs/imported-run.ts'
import { headOf } from '../../streams/log-stream.ts'

const name = 'verl-agent-opd-182421'
const file = bytesOf(name, 'run.wandb')

async function importWandb(bytes: Uint8Array, path: string): Promise<ImportedRun | undefined> {
  const [run] = await readLog(inChunks(bytes, 10_007), path, { format: 'wandb' })
  return run
}
const whole = (await importWandb(file, name)) as ImportedRun

describe('a W&B offline file', () => {
  it('holds the same readings as the console of its run, but for the last step', () => {
    const { points } = whole
    const console = recordedRun(name).points
    expect(points.step).toEqual(console.step.slice(0, -1))
    for (const metric of ['grad_norm', 'loss', 'lr'])
      expect(points.metrics.get(metric)?.values).toEqual(console.metrics.get(metric)?.values.slice(0, -1))
  })

  it('has times', () => {
    const { time } = whole.points
    expect([...time].every((at, i) => at > 1.7e9 && (i === 0 || at > (time[i - 1] as number)))).toBe(true)
  })

  it('gives the steps that are whole when it was cut off anywhere', async () => {
    const { step } = whole.points
    for (let length = 0; length < file.length; length += 99_991) {
      const cut = (await importWandb(file.subarray(0, length), name))?.points.step ?? new Float64Array()
      expect(cut).toEqual(step.slice(0, cut.length))
    }
  })

  it('is known by its first bytes', () => {
    expect(recognise(headOf(file), 'x').name).toBe('wandb')
    expect(recognise(headOf(new TextEncoder().encode('s:0 trl:11')), 'x.wandb').name).toBe('llmc')
  })
})
