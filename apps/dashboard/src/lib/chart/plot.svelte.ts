import './plot.css'
import uPlot from 'uplot'
import { flushSync } from 'svelte'
import type { Attachment } from 'svelte/attachments'
import { afterFrame } from '#lib/after-drawing.ts'
import { palette } from '#lib/chart/palette.svelte.ts'

/** What a chart shows now: aligned columns, and the ends of the x axis. */
export interface PlotData {
  readonly columns: uPlot.AlignedData
  readonly min: number
  readonly max: number
}

/** A chart's width on paper, in pixels: a page of A4 or letter paper less its margins and the panel's. */
const PAPER = 640

/** What each chart does before the page is printed, and after that. */
// eslint-disable-next-line svelte/prefer-svelte-reactivity -- no page shows it
const printed = new Set<(isPrinted: boolean) => void>()

function print(isPrinted: boolean): void {
  // Other colours make new charts: they are in the set when this has ended.
  flushSync(() => (palette.isPrinted = isPrinted))
  for (const chart of [...printed]) chart(isPrinted)
}
addEventListener('beforeprint', () => print(true))
addEventListener('afterprint', () => print(false))

/** Charts that wait to be made: one a frame, so that a page's first one is seen before the work for the others begins. */
const waiting: (() => void)[] = []
let isBusy = false

function inTurn(make: () => void): void {
  if (isBusy) return void waiting.push(make)
  isBusy = true
  make()
  afterFrame(goOn)
}

function goOn(): void {
  isBusy = false
  const next = waiting.shift()
  if (next !== undefined) inTurn(next)
}

/** Whether an element is on the screen or just outside it; not before its turn to be drawn. */
class Sight {
  isNear = $state(false)
  readonly #observer = new IntersectionObserver(
    (entries) => (this.isNear = entries.at(-1)?.isIntersecting ?? false),
    { rootMargin: '400px' },
  )

  constructor(element: Element) {
    inTurn(() => {
      if (!element.isConnected) return
      const { top, bottom } = element.getBoundingClientRect()
      this.isNear = bottom > 0 && top < innerHeight
      this.#observer.observe(element)
    })
  }
  end(): void {
    this.#observer.disconnect()
  }
}

/** Puts the cursor of a chart at a place on the x axis, unless it is there, as when a mouse has put it there. */
function setCursor(chart: uPlot, at: number | null): void {
  const left = at === null ? -10 : chart.valToPos(at, 'x')
  if (Math.abs(left - (chart.cursor.left ?? -10)) > 1) chart.setCursor({ left, top: 0 }, false)
}

/**
 * Draws a uPlot chart into the element, as wide and as high as the element: what is on the screen one a frame, the rest when
 * it comes near it. Other options make a new chart; other data are only drawn, and only while the element is near the screen.
 */
export function plot(
  options: () => Omit<uPlot.Options, 'width' | 'height'>,
  data: () => PlotData,
  cursor: () => number | null,
): Attachment<HTMLElement> {
  return (element) => {
    const style = options()
    const sight = new Sight(element)
    let chart: uPlot | undefined
    const observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = element
      if (chart && (chart.width !== width || chart.height !== height)) chart.setSize({ width, height })
    })
    observer.observe(element)
    // A page is printed at once, charts that nobody has scrolled to included.
    const fit = (isPrinted: boolean) => {
      if (isPrinted) flushSync(() => (sight.isNear = true))
      const { clientWidth: width, clientHeight: height } = element
      chart?.setSize({ width: isPrinted ? Math.min(PAPER, width) : width, height })
    }
    printed.add(fit)
    $effect(() => {
      if (!sight.isNear) return
      const { columns, min, max } = data()
      // uPlot gathers what is set here, and draws once when this task has ended.
      chart ??= new uPlot(
        { ...style, width: element.clientWidth, height: element.clientHeight },
        undefined,
        element,
      )
      chart.setData(columns, false)
      chart.setScale('x', { min, max })
    })
    $effect(() => {
      const at = cursor()
      // After uPlot has taken in what was set above: until then it does not know where anything is.
      if (sight.isNear) queueMicrotask(() => chart?.root.isConnected && setCursor(chart, at))
    })
    return () => {
      printed.delete(fit)
      observer.disconnect()
      sight.end()
      chart?.destroy()
    }
  }
}
