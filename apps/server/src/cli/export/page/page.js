/* The script of an exported run page: draws what stands in the element `data`, and lets a person pan and zoom. */
'use strict'
;(() => {
  const { title, facts, charts, findings, events, moreEvents, layers } = JSON.parse(
    document.getElementById('data').textContent,
  )
  const main = document.querySelector('main')
  const HEIGHT = 220
  const whole = {
    min: Math.min(...charts.map(({ step }) => step[0])),
    max: Math.max(...charts.map(({ step }) => step[step.length - 1])),
  }
  if (whole.min === whole.max) whole.max++
  let view = { ...whole }
  let plots = []

  function make(name, properties = {}, ...children) {
    const element = Object.assign(document.createElement(name), properties)
    element.append(...children)
    return element
  }

  const colour = (name) => {
    const probe = make('span')
    probe.style.color = `var(--${name})`
    document.body.append(probe)
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }

  /** Shows these steps in every chart: at least two, at most all. */
  function show(min, max) {
    const width = Math.min(whole.max - whole.min, Math.max(2, max - min))
    const from = Math.min(whole.max - width, Math.max(whole.min, min))
    view = { min: from, max: from + width }
    for (const plot of plots) plot.setScale('x', view)
    showLayers()
    range.textContent = `steps ${Math.round(view.min).toLocaleString('en')} – ${Math.round(view.max).toLocaleString('en')}`
  }

  const heatMap = layers && window.layerMap(layers)

  /** Draws the layers under the plots, between the same steps. */
  function showLayers() {
    const [plot] = plots
    if (!heatMap || !plot) return
    const { left, width } = plot.bbox
    heatMap.show(view, left / devicePixelRatio, width / devicePixelRatio)
  }

  const figure = (value) =>
    value === null
      ? ''
      : Math.abs(value) < 1e-3 && value !== 0
        ? value.toExponential()
        : value.toLocaleString('en')

  const zoom = (factor, at = (view.min + view.max) / 2) =>
    show(at - (at - view.min) * factor, at + (view.max - at) * factor)
  const pan = (share) => {
    const by = (view.max - view.min) * share
    show(view.min + by, view.max + by)
  }

  /** Findings as bands behind the line, and a mark where a reading was not finite. */
  function drawBehind(plot, { nonfinite }) {
    const { ctx, bbox } = plot
    ctx.save()
    ctx.beginPath()
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
    ctx.clip()
    for (const { from, to, severity } of findings) {
      if (from === null) continue
      const left = plot.valToPos(from, 'x', true)
      const right = plot.valToPos(to ?? whole.max, 'x', true)
      ctx.fillStyle = colour(severity)
      ctx.globalAlpha = 0.12
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height)
      ctx.globalAlpha = 0.8
      ctx.fillRect(left, bbox.top, 2, bbox.height)
    }
    ctx.globalAlpha = 1
    ctx.strokeStyle = colour('info')
    ctx.lineWidth = devicePixelRatio
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio])
    for (const { step } of events) {
      const at = plot.valToPos(step, 'x', true)
      ctx.beginPath()
      ctx.moveTo(at, bbox.top)
      ctx.lineTo(at, bbox.top + bbox.height)
      ctx.stroke()
    }
    ctx.fillStyle = colour('critical')
    for (const step of nonfinite) ctx.fillRect(plot.valToPos(step, 'x', true) - 1, bbox.top, 2, 8)
    ctx.restore()
  }

  /** Shift and drag pans, Ctrl and the wheel zooms; a drag alone zooms to what it covers. */
  function listen(plot) {
    const { over } = plot
    over.addEventListener(
      'wheel',
      (event) => {
        if (!event.ctrlKey) return
        event.preventDefault()
        zoom(event.deltaY > 0 ? 1.25 : 0.8, plot.posToVal(event.offsetX, 'x'))
      },
      { passive: false },
    )
    over.addEventListener('pointerdown', (event) => {
      if (!event.shiftKey) return
      const from = { ...view }
      over.setPointerCapture(event.pointerId)
      const move = ({ clientX }) => {
        const by = ((clientX - event.clientX) / over.clientWidth) * (from.max - from.min)
        show(from.min - by, from.max - by)
      }
      over.addEventListener('pointermove', move)
      over.addEventListener('pointerup', () => over.removeEventListener('pointermove', move), { once: true })
    })
  }

  function draw(chart, place) {
    const { step, mean, min, max, cap } = chart
    const finite = [...mean, ...(min ?? [])].filter((value) => value !== null)
    const isLog = finite.length > 0 && finite.every((value) => value > 0)
    const axis = {
      stroke: colour('muted'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
    }
    const line = { label: 'mean', stroke: colour('norm'), width: 1.5, points: { show: step.length < 50 } }
    const edge = { stroke: 'transparent', width: 0, points: { show: false } }
    const columns = [
      step,
      mean,
      ...(min ? [min, max] : []),
      ...(cap ? [Array.isArray(cap) ? cap : step.map(() => cap)] : []),
    ]
    const options = {
      width: place.clientWidth,
      height: HEIGHT,
      scales: { x: { time: false, ...view }, y: isLog ? { distr: 3 } : {} },
      axes: [axis, { ...axis, size: 70, values: (_plot, ticks) => ticks.map(figure) }],
      series: [
        { label: 'step' },
        min ? line : { ...line, label: chart.name },
        ...(min
          ? [
              { label: 'smallest', ...edge },
              { label: 'largest', ...edge },
            ]
          : []),
        ...(cap
          ? [
              {
                label: 'cap',
                stroke: colour('cap'),
                width: 1.5,
                dash: [6, 4],
                points: { show: false },
                paths: window.uPlot.paths.stepped({ align: 1 }),
              },
            ]
          : []),
      ],
      bands: min
        ? [{ series: [3, 2], fill: colour('norm').replace('rgb(', 'rgba(').replace(')', ', 0.2)') }]
        : [],
      cursor: {
        y: false,
        sync: { key: 'steps' },
        drag: { setScale: false, dist: 4 },
        bind: {
          mousedown: (_plot, _target, handler) => (event) => (event.shiftKey ? null : handler(event)),
          dblclick: () => () => (show(whole.min, whole.max), null),
        },
      },
      hooks: {
        drawAxes: [(plot) => drawBehind(plot, chart)],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select
            if (width < 4) return
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            show(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'))
          },
        ],
        ready: [listen],
      },
    }
    return new window.uPlot(options, columns, place)
  }

  function drawAll() {
    for (const plot of plots) plot.destroy()
    plots = charts.map((chart, i) => draw(chart, places[i]))
    show(view.min, view.max)
  }

  const range = make('span', { className: 'muted', id: 'range' })
  const button = (text, label, act) => {
    const made = make('button', { type: 'button', textContent: text, onclick: act })
    made.setAttribute('aria-label', label)
    return made
  }
  const places = charts.map(({ name }) => {
    const place = make('div')
    place.setAttribute('role', 'img')
    place.setAttribute('aria-label', `Chart of ${name} by step`)
    return place
  })

  const list = make('dl')
  for (const [name, value] of facts) {
    list.append(make('dt', { textContent: name }), make('dd', { textContent: value }))
  }
  const cards = findings.map((finding) =>
    make(
      'article',
      { className: finding.severity },
      make('h2', { textContent: finding.title }),
      make('p', { className: 'muted', textContent: `${finding.severity}, ${finding.when}` }),
      ...finding.lines.map((text) => make('p', { textContent: text })),
      button('Show', `Show ${finding.title} in the charts`, () => {
        const from = finding.from ?? whole.min
        const width = Math.max(20, ((finding.to ?? whole.max) - from) / 2)
        show(from - width, (finding.to ?? whole.max) + width)
      }),
    ),
  )
  const marks = events.map(({ step, label, text }) => {
    const words = `Step ${step.toLocaleString('en')}: ${label}${text ? `, ${text}` : ''} `
    const width = Math.max(20, (whole.max - whole.min) / 50)
    const press = button('Show', `Show ${label} in the charts`, () => show(step - width, step + width))
    return make('li', {}, words, press)
  })
  if (moreEvents > 0) marks.push(make('li', { textContent: `and ${moreEvents} more` }))
  main.append(
    make('h1', { textContent: title }),
    make('section', {}, list),
    make(
      'nav',
      {},
      button('+', 'Zoom in', () => zoom(0.5)),
      button('−', 'Zoom out', () => zoom(2)),
      button('←', 'Earlier steps', () => pan(-0.5)),
      button('→', 'Later steps', () => pan(0.5)),
      button('All', 'All steps', () => show(whole.min, whole.max)),
      range,
      make('span', {
        className: 'muted',
        textContent: 'Drag to zoom, Shift and drag to move, double-click for all',
      }),
    ),
    ...charts.map(({ name }, i) => make('section', {}, make('h2', { textContent: name }), places[i])),
    ...(heatMap ? [heatMap.element] : []),
    make(
      'section',
      {},
      make('h2', { textContent: 'Findings' }),
      ...(cards.length > 0 ? cards : ['No findings.']),
    ),
    ...(marks.length > 0
      ? [make('section', {}, make('h2', { textContent: 'Events' }), make('ul', {}, ...marks))]
      : []),
  )
  drawAll()
  new ResizeObserver(() => {
    for (const [i, plot] of plots.entries()) {
      const width = places[i].clientWidth
      if (width !== plot.width) plot.setSize({ width, height: HEIGHT })
    }
    showLayers()
  }).observe(main)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll)
})()
