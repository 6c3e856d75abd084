import { general } from '../settings/general.ts'
import type { Settings } from '../settings/settings.ts'
import { findingKinds } from './all.ts'
import type { FindingKindRecord } from './finding-kind.ts'

type Kinds = typeof findingKinds

const ofKinds = Object.fromEntries(
  Object.entries(findingKinds).map(([kind, { settings }]) => [kind, settings]),
) as { readonly [Kind in keyof Kinds]: Kinds[Kind]['settings'] }

/**
 * Every setting of the detector by its API name. The defaults, the validation and the table in
 * docs/detection.md are all read from here; the sections of kinds are in their records. The upper bounds keep a run's
 * state below 16 KB.
 */
export const settingsTable = { ...general, ...ofKinds }

/** Pairs of JSON pointers of which the first must not be above the second. */
export const ASCENDING: readonly (readonly [string, string])[] = [
  ['/window/min', '/window/max'],
  ...Object.entries<FindingKindRecord>(findingKinds).flatMap(([kind, { ascending = [] }]) =>
    ascending.map(([low, high]) => [`/${kind}/${low}`, `/${kind}/${high}`] as const),
  ),
]

export const defaultSettings: Settings = Object.fromEntries(
  Object.entries(settingsTable).map(([section, names]) => [
    section,
    Object.fromEntries(Object.entries(names).map(([name, { default: value }]) => [name, value])),
  ]),
) as unknown as Settings
