/** Common synonyms of names, normalised by `plain`. */
const SYNONYMS: Readonly<Record<string, string>> = {
  learningrate: 'lr',
  gradientnorm: 'gradNorm',
  totalnorm: 'gradNorm',
  maxgradnorm: 'maxNorm',
  clipnorm: 'maxNorm',
  gradclip: 'maxNorm',
  gradientclipval: 'maxNorm',
  runid: 'id',
  runname: 'name',
  dir: 'spoolDir',
  timeout: 'timeoutMs',
}

/** The known name that a misspelt one (`max_norm`, `gradnorm`, `GradNrom`) probably means, if any. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return undefined
  const word = plain(name)
  const synonym = SYNONYMS[word]
  if (synonym !== undefined && known.includes(synonym)) return synonym
  return known.find((one) => {
    const other = plain(one)
    return word === other || (other.length > 4 && isOneSlipAway(word, other))
  })
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_\-\s.]/g, '')
}

/** Whether one letter is missing, added, changed or swapped with its neighbour. A name with a digit is never a typo: `loss1`. */
function isOneSlipAway(a: string, b: string): boolean {
  if (/\d/.test(a)) return false
  if (Math.abs(a.length - b.length) > 1) return false
  let from = 0
  while (from < a.length && a[from] === b[from]) from++
  const rest = (skipA: number, skipB: number) => a.slice(from + skipA) === b.slice(from + skipB)
  const isSwapped = a[from] === b[from + 1] && a[from + 1] === b[from] && rest(2, 2)
  return rest(1, 0) || rest(0, 1) || rest(1, 1) || isSwapped
}
