import { describe, expect, it } from 'vitest'
import { bytesOf, recordedRun } from '../test/recorded-logs.ts'
import { importWandb, isWandbFile } from './index.ts'

const name = 'verl-agent-opd-182421'
const file = bytesOf(name, 'run.wandb')

describe('a W&B offline file', () => {
  it('holds the same readings as the console of its run, but for the last step', () => {
    const { points } = importWandb(file, name)
    const console = recordedRun(name).points
    expect(points.step).toEqual(console.step.slice(0, -1))
    for (const metric of ['grad_norm', 'loss', 'lr'])
      expect(points.metrics.get(metric)?.values).toEqual(console.metrics.get(metric)?.values.slice(0, -1))
  })

  it('has times', () => {
    const { time } = importWandb(file, name).points
    expect([...time].every((at, i) => at > 1.7e9 && (i === 0 || at > (time[i - 1] as number)))).toBe(true)
  })

  it('gives the steps that are whole when it was cut off anywhere', () => {
    const { step } = importWandb(file, name).points
    for (let length = 0; length < file.length; length += 99_991) {
      const cut = importWandb(file.subarray(0, length), name).points.step
      expect(cut).toEqual(step.slice(0, cut.length))
    }
  })

  it('is known by its first bytes', () => {
    expect(isWandbFile(file)).toBe(true)
    expect(isWandbFile(new TextEncoder().encode('s:0 trl:11'))).toBe(false)
  })
})
