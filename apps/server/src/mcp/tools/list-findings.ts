import { findingKinds } from '@normwatch/detector'
import type { FindingList } from '@normwatch/protocol'
import { bounded } from '../bounded.ts'
import { limit, Run, type Query, type Tool } from './tool.ts'

const USUAL = 10

export const listFindings: Tool = {
  name: 'list_findings',
  title: 'List findings',
  description:
    'What was found, newest first, each with its step, its figures and its likely causes. With since and wait it answers as soon ' +
    'as there is a newer finding, so that a training can be watched without asking again and again.',
  properties: {
    run: Run,
    project: { type: 'string', minLength: 1, maxLength: 128 },
    kind: { enum: Object.keys(findingKinds) },
    state: { enum: ['open', 'closed'] },
    since: {
      type: 'string',
      minLength: 1,
      maxLength: 128,
      description: 'Id of the newest finding that you know.',
    },
    wait: {
      type: 'integer',
      minimum: 0,
      maximum: 50,
      description: 'Seconds to wait for a finding if there are none.',
    },
    limit: limit(20, USUAL),
  },
  async answer(ask, args) {
    const { findings, next_cursor } = await ask<FindingList>('/findings', { limit: USUAL, ...args } as Query)
    const { kept, leftOut } = bounded(findings, 60_000)
    return { findings: kept, more: next_cursor !== null || leftOut > 0 }
  },
}
