import { describe, expect, it } from 'vitest'
import { recordedRun } from '../../importers/test/recorded-logs.ts'
import { explainedDiagnosis, findMoved, readingsAtLr, type Change, type FindingKind } from '../src/index.ts'
import { judgeRecordedRuns, type Judged } from './recorded-runs.ts'

const judged = new Map(judgeRecordedRuns().map((run) => [run.name, run]))

function run(name: string): Judged {
  return judged.get(name) as Judged
}

type Opened = Change & { type: 'opened' }

function opened(name: string, kind?: FindingKind): { change: Opened; point: number }[] {
  return run(name).changes.filter(
    (entry): entry is { change: Opened; point: number } =>
      entry.change.type === 'opened' && (kind === undefined || entry.change.kind === kind),
  )
}

describe('recorded runs', () => {
  it.each([...judged.values()].filter(({ behaviour }) => behaviour[0] === 'healthy').map(({ name }) => name))(
    'raises no warning and nothing critical on the healthy %s',
    (name) => {
      expect(opened(name).filter(({ change }) => change.severity !== 'info')).toEqual([])
      expect(run(name).finalHealth).toBe('ok')
    },
  )

  it('finds the two isolated spikes of llmc-gpt2-124m and hardly any other, and no saturation', () => {
    const spikes = opened('llmc-gpt2-124m', 'spike').map(({ change }) => change.step)
    expect(spikes).toEqual(expect.arrayContaining([7435, 9025]))
    expect(spikes.length).toBeLessThanOrEqual(6)
    expect(opened('llmc-gpt2-124m', 'clip_saturated')).toEqual([])
  })

  it('flags mistral7b-lora-translator within its first 150 points', () => {
    const [saturated] = opened('mistral7b-lora-translator', 'clip_saturated')
    expect(saturated?.point).toBeLessThan(150)
  })

  it.each(['megds-gpt2-perf-dsoff', 'dfine-mmdet'])('flags %s while it runs', (name) => {
    expect(opened(name, 'clip_saturated')).toHaveLength(1)
    expect(run(name).health).toBe('flagged')
  })

  it.each(['megatron-gpt2-base-n4', 'megatron-gpt2-base-n8'])('judges the short %s at its end', (name) => {
    expect(run(name).health).toBe('unknown')
    expect(run(name).finalHealth).toBe('flagged')
    expect(opened(name).map(({ change }) => change.kind)).toEqual(['clip_saturated'])
  })

  it('follows the late explosion of verl-agent-opd-144822', () => {
    const [saturated] = opened('verl-agent-opd-144822', 'clip_saturated')
    const [regime] = opened('verl-agent-opd-144822', 'clip_regime_change')
    const [divergence] = opened('verl-agent-opd-144822', 'loss_divergence')
    // The first of the last 26 steps, all above the cap, is step 34.
    expect(saturated?.change.step).toBeLessThanOrEqual(34 + 25)
    expect(regime?.change.step).toBeLessThan(saturated?.change.step as number)
    expect(divergence?.change.evidence).toMatchObject({ start: 0.02621, loss: 0.4262 })
    expect(saturated?.change.diagnosis[0]?.cause).toBe('lr_too_high')
  })

  it('does not blame the constant lr of verl-agent-opd-144822 once it is known that the inputs moved first', () => {
    const { points } = recordedRun('verl-agent-opd-144822')
    const record = { step: points.step, metrics: points.metrics }
    for (const kind of ['clip_regime_change', 'clip_saturated'] as const) {
      const { diagnosis, onset } = opened('verl-agent-opd-144822', kind)[0]?.change as Opened
      const around = onset as number
      const causes = explainedDiagnosis(kind, diagnosis, {
        onset: around,
        moved: findMoved(record, around),
        layers: [],
        events: [],
        readingsAtLr: readingsAtLr(record, around),
      })
      expect(causes.map(({ cause }) => cause)).toEqual(['inputs_changed'])
      expect(causes[0]?.because).toContain('response_length/mean went from 829 to 9.24 at step 34')
    }
  })

  it('watches verl-agent-opd-194146 at most', () => {
    expect(opened('verl-agent-opd-194146')).toEqual([])
    expect(['ok', 'watch']).toContain(run('verl-agent-opd-194146').finalHealth)
  })

  it('finds the vanishing norm of verl-agent-opd-221801', () => {
    expect(opened('verl-agent-opd-221801', 'vanishing')).toHaveLength(1)
  })

  it('names the loss scale in the norms of bigscience104b-divergence', () => {
    const [saturated] = opened('bigscience104b-divergence', 'clip_saturated')
    expect(saturated?.change.diagnosis.map(({ cause }) => cause)).toContain('not_unscaled')
  })

  it('keeps the state of every run below 16 KB', () => {
    for (const { stateBytes } of judged.values()) expect(stateBytes).toBeLessThan(16 * 1024)
  })
})
