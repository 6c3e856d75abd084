import type { Run } from '@normwatch/protocol'

/** What the ids of sample runs begin with, and their tag: no run of a person's own has both by chance. */
export const SAMPLE_PREFIX = 'sample-'
export const SAMPLE_TAG = 'sample'
/** The project that the sample runs are in. */
export const SAMPLE_PROJECT = 'samples'

/** Whether a run is one of those that the first page offers to look around with. */
export const isSample = ({ id, tags }: Pick<Run, 'id' | 'tags'>): boolean =>
  id.startsWith(SAMPLE_PREFIX) && tags.includes(SAMPLE_TAG)
