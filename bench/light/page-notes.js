/* Runs in the page before the page's scripts. Times are milliseconds of the page's clock, which starts at navigation. */
const NORM_CHART = 'Pre-clip gradient norm'

let sayDrawn
globalThis.notes = {
  /** Time of the first frame after a series of the norm's chart was drawn. */
  normDrawnAt: null,
  /** Resolves at that time. */
  normDrawn: new Promise((resolve) => (sayDrawn = resolve)),
  frames: [],
  longTasks: [],

  /** The times of the stages until the norm was drawn. */
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

  /** The share of pixel columns with the norm's colour, between the first and the last such column of its chart. */
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
  // Only series pass a path to stroke(). The grid and the ticks do not.
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
