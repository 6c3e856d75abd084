import type { Scope } from '@normwatch/protocol'

/** What each scope may do, in words. */
export const SCOPES: Readonly<Record<Scope, string>> = {
  write: 'For training jobs: create runs and send points.',
  read: 'For people and Prometheus: see everything, change nothing.',
  admin: 'For operators: everything.',
}
