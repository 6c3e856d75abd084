import type { WireColumns } from './chunk.ts'
import type { RunStatus } from './types.ts'

/** A change of the run. It must be applied after the points before it and before the points after it. */
export interface RunChange {
  readonly status?: 'running' | RunStatus
  readonly truncate_after?: number
  /** Declares parts and how each one clips. */
  readonly parts?: Readonly<Record<string, object>>
}

/** Something that happened at a step, in the wire form. */
export interface RunEvent {
  readonly step: number
  /** Unix seconds. */
  readonly time?: number
  readonly label: string
  readonly text?: string
}

/** Events of the run that are sent together. */
export interface RunEvents {
  readonly events: readonly RunEvent[]
}

/** What a run adds to its outbox other than points. */
export type RunNews = RunChange | RunEvents

/** The content of one request about an existing run, and of one line of a spool file. */
export type OutboxItem = { readonly columns: WireColumns } | { readonly patch: RunChange } | RunEvents

export function pointsOf(item: OutboxItem): number {
  return 'columns' in item ? (item.columns['step'] as unknown[]).length : 0
}

/** The names of a batch's readings. */
export const namesOf = (columns: WireColumns): string[] =>
  Object.keys(columns).filter((name) => name !== 'step' && name !== 'time')

/** The readings of these names. `undefined` if there is no such reading. */
export function ofNames(columns: WireColumns, names: readonly string[]): WireColumns | undefined {
  const lists = names.map((name) => columns[name] as unknown[])
  const rows = [...(columns['step'] as unknown[]).keys()].filter((i) =>
    lists.some((list) => list[i] !== null),
  )
  if (rows.length === 0) return undefined
  const kept = ['step', 'time', ...names].filter((name) => columns[name] !== undefined)
  return Object.fromEntries(
    kept.map((name) => {
      const list = columns[name] as WireColumns[string]
      return [name, rows.map((i) => list[i] ?? null)]
    }),
  )
}

/** The two halves of a batch of at least two points. */
export function halves(columns: WireColumns): [WireColumns, WireColumns] {
  const middle = Math.ceil((columns['step'] as unknown[]).length / 2)
  const cut = (from: number, to?: number) =>
    Object.fromEntries(Object.entries(columns).map(([name, list]) => [name, list.slice(from, to)]))
  return [cut(0, middle), cut(middle)]
}
