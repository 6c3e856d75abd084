import type { Run } from '@normwatch/protocol'
import { decodeNumber } from '@normwatch/protocol/number-codec'

/** One stream of gradients of a run with its own norm, cap and judgement; `name` is `null` for that of the run itself. */
export interface RunPart extends Pick<Run, 'clip' | 'clipping' | 'health' | 'latest'> {
  readonly name: string | null
}

/** A run, of which older servers do not list the parts. */
type RunWithParts = Pick<Run, 'clip' | 'clipping' | 'health' | 'latest'> & {
  readonly parts?: readonly (RunPart & { readonly name: string })[]
}

/** The streams of gradients that a run has: its own, unless all its gradients are those of parts, and then its parts'. */
export function partsOf(run: RunWithParts): readonly RunPart[] {
  const { parts = [], clip, clipping, health, latest } = run
  const own = { name: null, clip, clipping, health, latest }
  return parts.length > 0 && !('grad_norm' in latest) ? parts : [own, ...parts]
}

const RANK: Record<Run['health'], number> = { flagged: 0, watch: 1, ok: 2, unknown: 3 }

/** The part that needs attention first: by its health, then by its clip rate. */
export function worstPart(run: RunWithParts): RunPart {
  const rate = ({ clipping }: RunPart) => clipping.rate ?? -1
  const [worst] = [...partsOf(run)].sort((a, b) => RANK[a.health] - RANK[b.health] || rate(b) - rate(a))
  return worst as RunPart
}

/** The metric of a part: `grad_norm/critic`, or `grad_norm` of the run itself. */
export const metricOfPart = (metric: string, part: string | null): string =>
  part === null ? metric : `${metric}/${part}`

/** The newest loss of a run; where all its losses are those of parts, that of the part that needs attention first. */
export const latestLoss = (run: RunWithParts): number | undefined =>
  decodeNumber(run.latest['loss'] ?? worstPart(run).latest['loss'])

/** The losses that a run logs, its own and those of its parts; `loss` where it has logged none. */
export function lossMetrics({ latest, parts = [] }: RunWithParts): string[] {
  const own = 'loss' in latest ? ['loss'] : []
  const ofParts = parts.filter((part) => 'loss' in part.latest).map(({ name }) => metricOfPart('loss', name))
  return own.length + ofParts.length === 0 ? ['loss'] : [...own, ...ofParts]
}

/** The name of a loss that `lossMetrics` gives: *Loss*, or *Loss of critic*. */
export const lossTitle = (metric: string): string => metric.replace(/^loss/, 'Loss').replace('/', ' of ')

/** What the charts of the gradients of a run read. */
export function gradientMetrics(run: RunWithParts): string[] {
  return partsOf(run).flatMap(({ name }) =>
    ['grad_norm', 'max_norm', 'clip_fraction'].map((metric) => metricOfPart(metric, name)),
  )
}
