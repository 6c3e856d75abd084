import type { Session } from '@normwatch/protocol'

type Grants = NonNullable<Session['caller']>['grants']

/** Grants in words: `read in all projects, write in a, b-*`. */
export const grantWords = (grants: Grants): string =>
  grants
    .map(({ scope, projects }) => `${scope} in ${projects === 'all' ? 'all projects' : projects.join(', ')}`)
    .join('; ') || 'nothing'
