/* Runs in the page before its own scripts. Milliseconds of the page's own clock, which starts at the navigation. */
const NORM_CHART = 'Pre-clip gradient norm'

let sayDrawn
globalThis.notes = {
  /** The first frame after a line of the norm's chart was stroked that crosses it. */
  normDrawnAt: null,
  /** Fulfilled then. */
  normDrawn: new Promise((resolve) => (sayDrawn = resolve)),
  frames: [],
  longTasks: [],

  /** What came when on the way to the norm. */
  way() {
    const files = performance
      .getEntriesByType('resource')
      .filter(({ responseEnd }) => responseEnd < this.normDrawnAt)
    const scripts = files.filter(({ name }) => name.endsWith('.js'))
    const series = files.find(({ name }) => name.includes('/series?'))
    return {
      scriptsLoadedAt: Math.round(Math.max(...scripts.map(({ responseEnd }) => responseEnd))),
      seriesAskedAt: Math.round(series.startTime),
      seriesAnsweredAt: Math.round(series.responseEnd),
      normDrawnAt: Math.round(this.normDrawnAt),
    }
  },

  /** The share of the norm chart's columns of pixels, from its first to its last painted one, that hold its colour. */
  paintedColumns() {
    const canvas = document.querySelector(`[aria-label^="${NORM_CHART}"] canvas`)
    const probe = document.createElement('span')
    probe.style.color = 'var(--norm)'
    document.body.append(probe)
    const colour = getComputedStyle(probe).color.match(/\d+/g).map(Number)
    probe.remove()
    const { width, height } = canvas
    const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data
    const painted = new Set()
    for (let i = 0; i < pixels.length; i += 4) {
      if ([0, 1, 2].every((k) => Math.abs(pixels[i + k] - colour[k]) < 24)) painted.add((i / 4) % width)
    }
    const [left, right] = [Math.min(...painted), Math.max(...painted)]
    return right - left > width * 0.8 ? painted.size / (right - left + 1) : 0
  },
}

const { stroke } = CanvasRenderingContext2D.prototype
CanvasRenderingContext2D.prototype.stroke = function (...path) {
  stroke.apply(this, path)
  const label = this.canvas.closest('[aria-label]')?.getAttribute('aria-label') ?? ''
  // A path is a series; the grid and the ticks are stroked without one.
  if (globalThis.notes.normDrawnAt !== null || path.length === 0 || !label.startsWith(NORM_CHART)) return
  globalThis.notes.normDrawnAt = 0
  requestAnimationFrame(() =>
    setTimeout(() => {
      globalThis.notes.normDrawnAt = performance.now()
      sayDrawn(globalThis.notes.normDrawnAt)
    }),
  )
}

requestAnimationFrame(function frame(at) {
  globalThis.notes.frames.push(at)
  requestAnimationFrame(frame)
})

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) globalThis.notes.longTasks.push(duration)
}).observe({ type: 'longtask' })
