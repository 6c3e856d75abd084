import type { Health, Run } from '@normwatch/protocol'
import { clippedMeans } from '#lib/format/clip.ts'
import { KIND_WORDS, wordsOfKind } from '#lib/format/detector-words.ts'
import { counted, group, percent } from '#lib/format/number.ts'
import { partsOf } from '#lib/format/run-parts.ts'

/** Shape and word of each health, so that nothing is told by colour alone. */
export const HEALTH_SIGNS: Record<Health, { readonly shape: string; readonly word: string }> = {
  flagged: { shape: '▲', word: 'flagged' },
  watch: { shape: '◆', word: 'watch' },
  ok: { shape: '●', word: 'ok' },
  unknown: { shape: '○', word: 'unknown' },
}

/** Status as a reader sees it: a running run that fell silent is `stalled`. */
export function statusWord(
  run: Pick<Run, 'status' | 'conditions'>,
): 'running' | 'stalled' | 'finished' | 'failed' | 'preempted' {
  if (run.status !== 'running') return run.status
  return run.conditions.some(({ kind }) => kind === 'stalled') ? 'stalled' : 'running'
}

/** Why the run has the health it has, in one sentence with its figures. */
export function healthSentence(run: Run): string {
  const rate = rateSentence(run)
  const holding = run.conditions.map((condition) =>
    conditionWords(condition, partRate(run, condition) ?? rate),
  )
  if (holding.length > 0) return `${holding.join('; ')}.`
  if (run.health === 'unknown') return unknownSentence(run)
  if (run.health === 'flagged' || run.health === 'watch')
    return [withoutOpenFinding(run), rate].filter(Boolean).join('; ') + '.'
  return `${rate || (hasNoCap(run) ? clippedMeans(run.clip) : 'no step has exceeded a cap')}.`
}

const hasNoCap = ({ clip }: Run) => clip.mode === 'none' && clip.max_norm == null

/** Why a run is flagged, or watched, although none of its findings is open now. */
function withoutOpenFinding({ health, status }: Run): string {
  if (health === 'flagged') return 'a finding was open at the end of the run'
  return status === 'running' ? 'a finding may open' : 'no finding was open at the end of the run'
}

function rateSentence({ clip, clipping }: Pick<Run, 'clip' | 'clipping'>): string {
  if (clipping.rate === null) return ''
  const verb = clip.mode === 'none' ? 'over the reference cap' : 'clipped'
  return `${verb} in ${percent(clipping.rate)} of the last ${counted(clipping.window, 'logged step')}`
}

function unknownSentence(run: Run): string {
  if (run.points === 0) return 'no points have arrived yet.'
  if (hasNoCap(run)) return `${clippedMeans(run.clip)}.`
  return 'fewer than 20 norms so far, too few to judge.'
}

/** A condition; those of older servers name no part. */
type Condition = Run['conditions'][number] & { readonly part?: string | null }

function partRate(run: Run, { part = null }: Condition): string | undefined {
  const one = partsOf(run).find(({ name }) => name === part)
  return one && rateSentence(one)
}

function conditionWords({ kind, since_step, part }: Condition, rate: string): string {
  const words = kind === 'clip_saturated' && rate !== '' ? rate : kindWords(kind)
  const since = since_step === null ? '' : `, since step ${group(since_step)}`
  return `${part == null ? '' : `${part}: `}${words}${since}`
}

/** A kind of finding within a sentence: `clipping is saturated`. */
export const kindWords = (kind: string): string => wordsOfKind(kind).condition

/** Every kind of finding, with its words. */
export const KINDS = Object.entries(KIND_WORDS).map(([kind, { condition }]) => [kind, condition] as const)
