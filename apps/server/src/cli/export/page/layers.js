/* The layers of an exported run page: a heat map of their norms that follows the charts' pan and zoom. */
'use strict'
window.layerMap = ({ step, to, bucket, layers, values, leftOut }) => {
  const make = (name, properties = {}) => Object.assign(document.createElement(name), properties)
  const known = values.flat().filter((norm) => norm !== null && norm > 0)
  const low = known.reduce((least, norm) => Math.min(least, norm), Infinity)
  const high = known.reduce((most, norm) => Math.max(most, norm), 0)
  const rowHeight = Math.max(4, Math.min(18, Math.floor(560 / layers.length)))
  // viridis (van der Walt and Smith, 2015): equal steps of it look equal, in grey too
  const STOPS = [
    [68, 1, 84],
    [59, 82, 139],
    [33, 145, 140],
    [94, 201, 98],
    [253, 231, 37],
  ]
  const shade = (norm) => {
    const share = low === high ? 1 : Math.log(norm / low) / Math.log(high / low)
    const at = share * (STOPS.length - 1)
    const below = Math.min(STOPS.length - 2, Math.floor(at))
    const mix = STOPS[below].map((from, i) => Math.round(from + (at - below) * (STOPS[below + 1][i] - from)))
    return `rgb(${mix.join(' ')})`
  }
  const figure = (norm) => (norm === null ? 'no finite norm' : String(Number(norm.toPrecision(3))))
  const many = bucket === 1 ? 'each step' : `${bucket.toLocaleString('en')} steps`
  const rest = leftOut === 0 ? '' : `; ${leftOut} layers with the smallest norms are not shown`
  const about = `mean norm in ${many}, from ${figure(low)} (dark) to ${figure(high)} (light) on a log scale${rest}`
  const legend = make('p', { className: 'muted', textContent: about })
  const canvas = make('canvas', { className: 'layers', tabIndex: 0 })
  canvas.setAttribute('role', 'img')
  canvas.setAttribute('aria-label', `Norms of ${layers.length} layers by step; arrow keys read it`)
  const element = make('section')
  element.append(make('h2', { textContent: 'Layers' }), legend, canvas)

  let view = { min: step[0], max: to }
  let under = null
  const endOf = (i) => step[i + 1] ?? step[i] + bucket

  /** Draws what is between two steps; `left` and `width` are where the charts have their plots, in pixels. */
  function show(range, left, width) {
    view = range
    canvas.style.marginLeft = `${left}px`
    const ratio = devicePixelRatio
    canvas.style.width = `${width}px`
    canvas.style.height = `${rowHeight * layers.length}px`
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(rowHeight * layers.length * ratio)
    const context = canvas.getContext('2d')
    const scale = canvas.width / (view.max - view.min)
    for (const [i, from] of step.entries()) {
      // whole pixels, so that no seam shows between two cells
      const x = Math.round((from - view.min) * scale)
      const end = Math.round((endOf(i) - view.min) * scale)
      if (end < 0 || x > canvas.width) continue
      for (const [row, norms] of values.entries()) {
        if (!(norms[i] > 0)) continue
        context.fillStyle = shade(norms[i])
        const [top, below] = [row, row + 1].map((rows) => Math.round(rows * rowHeight * ratio))
        context.fillRect(x, top, Math.max(1, end - x), below - top)
      }
    }
  }

  function read() {
    const { row, i } = under
    legend.textContent = `${layers[row]} from step ${step[i].toLocaleString('en')}: ${figure(values[row][i])}`
  }
  const within = (value, most) => Math.min(most, Math.max(0, value))

  canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
    const at = view.min + (offsetX / canvas.clientWidth) * (view.max - view.min)
    const i = step.findLastIndex((from) => from <= at)
    under = { row: within(Math.floor(offsetY / rowHeight), layers.length - 1), i: Math.max(0, i) }
    read()
  })
  canvas.addEventListener('pointerleave', () => (legend.textContent = about))
  canvas.addEventListener('keydown', (event) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key]
    if (by === undefined) return
    event.preventDefault()
    const { row, i } = under ?? { row: 0, i: 0 }
    under = { row: within(row + by[0], layers.length - 1), i: within(i + by[1], step.length - 1) }
    read()
  })
  return { element, show }
}
