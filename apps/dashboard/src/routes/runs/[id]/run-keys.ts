import type { ChartView } from './chart-view.svelte.ts'
import type { RunCharts } from './run-charts.svelte.ts'

/** What the keys do on a run's page, for the list that `?` shows. */
export const RUN_KEYS = [
  ['l', 'log or linear axis of the norm'],
  ['s', 'smooth the lines'],
  ['f', 'follow the newest steps'],
  ['0', 'reset the zoom'],
  ['m', 'choose the metrics with a chart'],
  ['c', 'compare with other runs'],
  ['←  →', 'move the cursor'],
  ['Shift + ← →', 'pan'],
  ['+  −', 'zoom at the cursor'],
  ['Drag', 'zoom'],
  ['Double click', 'reset the zoom'],
  ['Ctrl + wheel', 'zoom at the cursor'],
  ['Shift + drag', 'pan'],
  ['Two fingers', 'pan and zoom'],
  ['Esc', 'reset the zoom, then back to all runs'],
] as const

/** How much of the width a key pans, and by which factor one zooms. */
const PAN = 0.25
const ZOOM = 1.5

/** Does what a key means on the charts of a run; says whether it meant anything. */
export function pressChartKey({ key, shiftKey }: KeyboardEvent, view: ChartView, charts: RunCharts): boolean {
  const by = key === 'ArrowLeft' ? -1 : key === 'ArrowRight' ? 1 : 0
  const { from, to } = view.shown
  if (by !== 0 && shiftKey) view.moveTo(from + by * PAN * (to - from), to + by * PAN * (to - from))
  else if (by !== 0) charts.moveCursor(by)
  else if (key === '+' || key === '=') zoom(1 / ZOOM)
  else if (key === '-') zoom(ZOOM)
  else return false
  return true

  function zoom(factor: number): void {
    view.zoomAt(view.cursor === null ? (from + to) / 2 : charts.toStep(view.cursor), factor)
  }
}
