import uPlot from 'uplot'
import type { Attachment } from 'svelte/attachments'

/** What a chart shows now: aligned columns, and the ends of the x axis. */
export interface PlotData {
  readonly columns: uPlot.AlignedData
  readonly min: number
  readonly max: number
}

/** Whether an element is on the screen or just outside it. */
class Sight {
  isNear = $state(false)
  readonly #observer = new IntersectionObserver(
    (entries) => (this.isNear = entries.at(-1)?.isIntersecting ?? false),
    { rootMargin: '400px' },
  )

  constructor(element: Element) {
    this.#observer.observe(element)
  }
  end(): void {
    this.#observer.disconnect()
  }
}

/**
 * Draws a uPlot chart into the element, as wide and as high as the element. Other options make a new chart; other data are
 * only drawn, and only while the element is near the screen.
 */
export function plot(
  options: () => Omit<uPlot.Options, 'width' | 'height'>,
  data: () => PlotData,
): Attachment<HTMLElement> {
  return (element) => {
    const size = () => ({ width: element.clientWidth, height: element.clientHeight })
    const chart = new uPlot({ ...options(), ...size() }, undefined, element)
    const observer = new ResizeObserver(() => chart.setSize(size()))
    observer.observe(element)
    const sight = new Sight(element)
    $effect(() => {
      if (!sight.isNear) return
      const { columns, min, max } = data()
      chart.batch(() => {
        chart.setData(columns, false)
        chart.setScale('x', { min, max })
      })
    })
    return () => {
      observer.disconnect()
      sight.end()
      chart.destroy()
    }
  }
}
