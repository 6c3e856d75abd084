import type { AxisMode } from '#lib/chart/columns.ts'

/** What a person has chosen to see of a run. In the address it makes a link that shows what its sender saw. */
export interface ChosenView {
  readonly axis: AxisMode
  readonly isSmooth: boolean
  /** Metrics on a log axis. */
  readonly logs: readonly string[]
  /** What is zoomed into, in steps; `null` for the whole record. */
  readonly range: { readonly from: number; readonly to: number } | null
  /** Metrics with a chart of their own. */
  readonly charts: readonly string[]
  readonly showsPostClip: boolean
  /** The part that the figures are of: `null` for the run itself, `undefined` for the one that needs attention first. */
  readonly part: string | null | undefined
}

export const FIRST_VIEW: ChosenView = {
  axis: 'step',
  isSmooth: false,
  logs: ['grad_norm'],
  range: null,
  charts: ['lr'],
  showsPostClip: false,
  part: undefined,
}

type Params = Pick<URLSearchParams, 'get' | 'getAll' | 'has'>

const NAMES = ['axis', 'smooth', 'log', 'from', 'to', 'chart', 'post', 'part']
/** Charts and log axes that an address may name. */
const MOST = 64

/** What an address asks for; `remembered` charts stand in where it asks for nothing. */
export function viewOfAddress(params: Params, remembered: readonly string[]): ChosenView {
  if (!NAMES.some((name) => params.has(name))) return { ...FIRST_VIEW, charts: remembered }
  const axis = params.get('axis')
  const [from, to] = [params.get('from'), params.get('to')].map((text) =>
    /^\d{1,15}$/.test(text ?? '') ? Number(text) : NaN,
  ) as [number, number]
  return {
    axis: axis === 'time' || axis === 'elapsed' ? axis : 'step',
    isSmooth: params.get('smooth') === '1',
    logs: listOf(params, 'log') ?? FIRST_VIEW.logs,
    range: from < to ? { from, to } : null,
    charts: listOf(params, 'chart') ?? FIRST_VIEW.charts,
    showsPostClip: params.get('post') === '1',
    part: params.has('part') ? params.get('part')?.slice(0, 256) || null : undefined,
  }
}

/** The query that asks for this; empty for what everybody sees first. */
export function addressOfView(view: ChosenView): string {
  const { axis, isSmooth, logs, range, charts, showsPostClip, part } = view
  const query = new URLSearchParams()
  if (axis !== FIRST_VIEW.axis) query.set('axis', axis)
  if (isSmooth) query.set('smooth', '1')
  addList(query, 'log', logs)
  if (range !== null) query.set('from', String(range.from))
  if (range !== null) query.set('to', String(range.to))
  addList(query, 'chart', charts)
  if (showsPostClip) query.set('post', '1')
  if (part !== undefined) query.set('part', part ?? '')
  return query.toString()
}

/** One parameter a name; an empty one for an empty list. */
function addList(query: URLSearchParams, name: 'log' | 'chart', list: readonly string[]): void {
  const first = name === 'log' ? FIRST_VIEW.logs : FIRST_VIEW.charts
  if (list.join('\n') === first.join('\n')) return
  for (const one of list.length === 0 ? [''] : list) query.append(name, one)
}

function listOf(params: Params, name: 'log' | 'chart'): readonly string[] | undefined {
  if (!params.has(name)) return undefined
  const names = params.getAll(name).filter((one) => one !== '' && one.length <= 256)
  return [...new Set(names)].slice(0, MOST)
}
