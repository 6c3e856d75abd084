import { LAYER_PREFIX, MAX_PART_NAME_LENGTH } from '@normwatch/protocol'
import { isOfValidation, isQualifier, normNameOf, type NormName } from './norm-name.ts'

export interface NamedNorm extends NormName {
  readonly name: string
}

/** The norms of one subject's gradients, by their names in the log. */
export interface NormGroup {
  /** Those that may be the norm before clipping and measure the same, the surest first. */
  readonly norms: readonly string[]
  /** Those without a word for it beside norms that are said to be from before clipping. */
  readonly besides: readonly string[]
  /** Those said to be from after clipping. */
  readonly after: readonly string[]
}

/** Those of a log's names that speak of the gradient norm or its cap, layers under their own name left out. */
export function readNorms(names: readonly string[]): NamedNorm[] {
  return names.flatMap((name) => {
    const read = name.startsWith(LAYER_PREFIX) || isOfValidation(name) ? undefined : normNameOf(name)
    return read === undefined ? [] : [{ ...read, name }]
  })
}

/** Norms by whose gradients they are of: of the whole, and of parts that have a norm. */
export function groupsOf(found: readonly NamedNorm[]): { whole: NormGroup; ofParts: NormGroup[] } {
  const bySubject = new Map<string, NamedNorm[]>([['', []]])
  for (const norm of found) {
    const subject = norm.subject.join(' ')
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), norm])
  }
  const [whole, ...ofParts] = [...bySubject.values()].map(groupOf) as [NormGroup, ...NormGroup[]]
  return { whole, ofParts: ofParts.filter(({ norms }) => norms.length > 0) }
}

function groupOf(found: readonly NamedNorm[]): NormGroup {
  const of = (role: NormName['role']): NamedNorm[] => found.filter((norm) => norm.role === role)
  const before = inOrder(of('before'))
  const plain = inOrder(of('norm'))
  const isClippedBeside = before[0]?.isUnscaled === false
  return {
    norms: namesOf(before.length > 0 ? before : plain),
    besides: isClippedBeside ? namesOf(plain) : [],
    after: namesOf(of('after')),
  }
}

/** `grad_norm` itself, then those that are said to be of the whole, then the shortest. */
function inOrder(norms: readonly NamedNorm[]): NamedNorm[] {
  const place = ({ name, isTotal }: NamedNorm): number => (name === 'grad_norm' ? 0 : isTotal ? 1 : 2)
  return norms.toSorted((a, b) => place(a) - place(b) || a.name.length - b.name.length)
}

function namesOf(norms: readonly NamedNorm[]): string[] {
  return norms.map(({ name }) => name)
}

/** What distinguishes names: `train/ghas/grad_norm_loss_critic` among its like is `ghas.critic`. */
export function partNames(names: readonly string[]): string[] {
  const words = names.map((name) => name.split(/[/_. -]+/).filter((word) => !isQualifier(word)))
  const parts = words.map((own) =>
    own.filter((word) => words.some((others) => !others.includes(word))).join('.'),
  )
  return parts.map((part, i) => {
    const isPlain = part !== '' && part.length <= MAX_PART_NAME_LENGTH && parts.indexOf(part) === i
    return isPlain ? part : `${i + 1}`
  })
}
