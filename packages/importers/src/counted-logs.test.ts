import { describe, expect, it } from 'vitest'
import { bytesOf, countedMetaOf, countedNames, inChunks, recordedRuns } from '../test/recorded-logs.ts'
import { judgeAll, readingsOf } from '../../detector/test/recorded-runs.ts'
import { clipAt } from '../../detector/test/readings.ts'
import { readLogs } from './read-log.ts'
import type { ImportedRun } from './index.ts'

/** Runs that each log holds: restarted attempts are separate runs, a resumed training is one run. */
const RUNS: Readonly<Record<string, number>> = {
  'deformable-detr-logtxt': 4,
  'simplenmt-gparam': 5,
  'stepback-vit-lr-sweep': 21,
}
const CAPS: Readonly<Record<string, string>> = {
  'kure-wandb-killed': 'max_grad_norm in the run’s config',
  'kure-wandb-warmup-growth': 'max_grad_norm in the run’s config',
  'mkgl-hf-console': 'max_grad_norm in the log',
  'simplenmt-gparam': 'max_grad_norm in the log',
}
/** The norm of which the facts speak, where it is not that of the whole run. */
const NORMS: Readonly<Record<string, string>> = { 'benchmarl-wandb-csv': 'grad_norm/ghas.objective' }
const runsOf = new Map<string, readonly ImportedRun[]>()
for (const name of countedNames) runsOf.set(name, await allRuns(name))

async function allRuns(name: string): Promise<readonly ImportedRun[]> {
  const { file, more_files: more = [] } = countedMetaOf(name)
  if (more.length === 0) return recordedRuns(name)
  const files = [file, ...more].map((each) => ({
    path: `${name}/${each}`,
    chunks: () => inChunks(bytesOf(name, each), 65_536),
  }))
  return readLogs(files)
}

function readings(run: ImportedRun, metric: string): number[] {
  const column = run.points.metrics.get(metric)
  return [...(column?.values ?? [])].filter((_, i) => column?.present?.[i] !== 0)
}

describe.each(countedNames)('the log %s', (name) => {
  const { facts, max_norm } = countedMetaOf(name)
  const runs = runsOf.get(name) as readonly ImportedRun[]
  const norms = runs.flatMap((run) => readings(run, NORMS[name] ?? 'grad_norm'))

  it('holds the runs and norms that were counted in it', () => {
    expect(runs).toHaveLength(RUNS[name] ?? 1)
    // two of nanochat's stretches begin with the step that the one before ended with
    expect(norms).toHaveLength(name === 'nanochat-per-layer' ? facts.points - 2 : facts.points)
    expect(Math.max(...norms)).toBeCloseTo(facts.norms.max, facts.norms.max < 1 ? 3 : 1)
    if (name !== 'nanochat-per-layer') expect(Math.min(...norms) / facts.norms.min).toBeCloseTo(1, 2)
    expect(runs.reduce((sum, { nonfinite }) => sum + nonfinite.grad_norm, 0)).toBe(facts.nonfinite_norm)
    expect(runs.reduce((sum, { nonfinite }) => sum + nonfinite.loss, 0)).toBe(facts.nonfinite_loss)
  })

  it('ends where it was counted to end', () => {
    const last =
      name === 'simplenmt-gparam'
        ? Math.max(...runs.map(({ lastStep }) => lastStep ?? 0))
        : runs.at(-1)?.lastStep
    expect(last).toBe(facts.last_step)
  })

  it('has the cap that its log states, and no other', () => {
    expect(runs[0]?.capFoundIn).toBe(CAPS[name])
    const cap = CAPS[name] === undefined ? undefined : max_norm
    for (const { clip } of runs) expect(clip?.mode === 'norm' ? clip.max_norm : undefined).toBe(cap)
  })
})

describe('the detector', () => {
  /** A run with the norms of its first part as its own, where it has parts. */
  const judged = (run: ImportedRun): ImportedRun => {
    const [part] = run.parts
    const norms = part && run.points.metrics.get(`grad_norm/${part.name}`)
    if (norms === undefined) return run
    return { ...run, points: { ...run.points, metrics: new Map([['grad_norm', norms]]) } }
  }

  it.each(countedNames)('finds in %s what a careful engineer expects, and not what one rules out', (name) => {
    const { expect: expected, max_norm } = countedMetaOf(name)
    const runs = runsOf.get(name) as readonly ImportedRun[]
    const found = runs.flatMap((run) => {
      const facts =
        max_norm === null ? { clip: { mode: 'none' as const }, optimizer: null } : clipAt(max_norm)
      const { changes } = judgeAll(readingsOf(judged(run)), facts)
      return changes
        .filter(({ change }) => change.type === 'opened')
        .map(({ change }) => change.kind as string)
    })
    for (const kind of expected.must) expect(found).toContain(kind)
    for (const kind of expected.must_not) expect(found).not.toContain(kind)
  })
})

describe('what is particular to a log', () => {
  const only = (name: string): ImportedRun => (runsOf.get(name) as readonly ImportedRun[])[0] as ImportedRun

  it('makes parts of the six norms of three agents, each with the loss of its own', () => {
    const run = only('benchmarl-wandb-csv')
    expect(run.parts.map(({ name }) => name).sort()).toEqual([
      'ghas.critic',
      'ghas.objective',
      'orchestrator.critic',
      'orchestrator.objective',
      'transporter.critic',
      'transporter.objective',
    ])
    for (const { name } of run.parts) expect(readings(run, `loss/${name}`)).toHaveLength(256)
  })

  it('joins the two files of one W&B run, and marks where the second begins', () => {
    const run = only('cs336-wandb-resumed')
    expect([run.firstStep, run.lastStep]).toEqual([0, 36_320])
    expect(run.events).toEqual([{ step: 320, label: 'resumed at step 320' }])
  })

  it('keeps the streams’ norms of nanochat as layers and marks where it was resumed', () => {
    const run = only('nanochat-per-layer')
    expect(run.layers).toHaveLength(4)
    expect(run.events.map(({ step }) => step)).toEqual([2000, 9000])
    expect(run.notes.join(' ')).toContain('root of the sum of squares')
  })

  it('keeps the hole between two windows of one training', () => {
    const { step } = only('tacotron2-console').points
    expect(step.indexOf(7099) + 1).toBe(step.findIndex((at) => at > 7099))
    expect(step.find((at) => at > 7099)).toBeGreaterThan(35_000)
  })

  it('keeps each setting of a sweep with its run', () => {
    const runs = runsOf.get('stepback-vit-lr-sweep') as readonly ImportedRun[]
    expect(new Set(runs.map(({ config }) => JSON.stringify(config['opt']))).size).toBeGreaterThan(6)
  })
})
