import { LAYER_PREFIX, type SnapshotReply } from '@normwatch/protocol'
import { bounded } from '../bounded.ts'
import { pathOf, Run, type Query, type Tool } from './tool.ts'

export const snapshot: Tool = {
  name: 'snapshot',
  title: 'Look around a step',
  description:
    'Every metric before, at and after one step (medians on either side), which of them moved and when, and the findings and ' +
    'events there. Look at the onset of a finding to see what moved first.',
  properties: {
    run: Run,
    around: {
      type: 'integer',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'A step; the newest one when not given.',
    },
    width: {
      type: 'integer',
      minimum: 1,
      maximum: 10_000,
      description: 'Steps on either side; 20 when not given.',
    },
    layers: { type: 'boolean', description: 'Whether layers are listed, too.' },
  },
  required: ['run'],
  async answer(ask, { run, layers, ...where }) {
    const reply = await ask<SnapshotReply>(`${pathOf(run)}/snapshot`, where as Query)
    const asked = reply.metrics.filter(({ metric }) => layers === true || !metric.startsWith(LAYER_PREFIX))
    const metrics = bounded(asked, 30_000)
    const findings = bounded(reply.findings, 20_000)
    const events = bounded(reply.events, 10_000)
    return {
      ...reply,
      metrics: metrics.kept,
      findings: findings.kept,
      events: events.kept,
      left_out: { metrics: metrics.leftOut, findings: findings.leftOut, events: events.leftOut },
    }
  },
}
