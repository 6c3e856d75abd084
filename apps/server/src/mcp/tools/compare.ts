import type { CompareReply } from '@normwatch/protocol'
import { cut } from '../bounded.ts'
import { Run, type Query, type Tool } from './tool.ts'

const MAX_NOTES = 50

export const compare: Tool = {
  name: 'compare',
  title: 'Compare training runs',
  description:
    'Two to eight runs side by side: final loss, roughness of the loss, quantiles of the norm, clip rate, spikes. Its notes say ' +
    'what makes the comparison weak: heed them.',
  properties: { runs: { type: 'array', items: Run, minItems: 2, maxItems: 8 } },
  required: ['runs'],
  async answer(ask, { runs }) {
    const reply = await ask<CompareReply>('/compare', { run: runs } as Query)
    return { ...reply, notes: reply.notes.slice(0, MAX_NOTES).map((note) => cut(note, 1_000)) }
  },
}
