import type { RunFacts } from '@normwatch/detector'
import type { Run } from '@normwatch/protocol'

/** What the detector is told of a run: everything a judgement depends on besides the readings. */
export function factsOf({ clip, optimizer }: Run): RunFacts {
  return { clip, optimizer }
}
