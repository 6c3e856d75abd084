import type uPlot from 'uplot'
import type { Gestures } from '#lib/chart/chart-spec.ts'

/** A drag shorter than this, in CSS pixels, is a click. */
const SHORTEST_DRAG = 4

/** Cursor and drag: shared among the charts of a group, zooming through `gestures` instead of on one chart alone. */
export function cursorOptions(group: string, gestures: Gestures): uPlot.Cursor {
  return {
    y: false,
    points: { show: false },
    drag: { x: true, y: false, setScale: false, dist: SHORTEST_DRAG },
    sync: { key: group, scales: ['x', null] },
    bind: {
      mousedown: (_u, _target, handler) => (event) => (event.shiftKey ? null : handler(event)),
      dblclick: () => () => (gestures.reset(), null),
    },
  }
}

/** What a chart reports: hovering, a finished drag, Ctrl+wheel, Shift+drag, and fingers. */
export function gestureHooks(gestures: Gestures): uPlot.Hooks.Arrays {
  return {
    setCursor: [(u) => gestures.hover(isOn(u) ? u.posToVal(u.cursor.left as number, 'x') : null)],
    setSelect: [
      (u) => {
        const { left, width } = u.select
        if (width < SHORTEST_DRAG) return
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        gestures.zoomTo(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'))
      },
    ],
    ready: [(u) => listen(u, gestures)],
  } as uPlot.Hooks.Arrays
}

function isOn(u: uPlot): boolean {
  return u.cursor.left != null && u.cursor.left >= 0
}

function listen(u: uPlot, gestures: Gestures): void {
  const { over } = u
  const xAt = (clientX: number) => u.posToVal(clientX - over.getBoundingClientRect().left, 'x')
  over.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey) return
      event.preventDefault()
      gestures.zoomAt(xAt(event.clientX), event.deltaY > 0 ? 1.25 : 0.8)
    },
    { passive: false },
  )
  listenForPan(over, (before, after) => gestures.panBy(xAt(after), xAt(before)))
  listenForTouch(u, xAt, gestures)
}

function listenForPan(over: HTMLElement, pan: (before: number, after: number) => void): void {
  let at: number | undefined
  over.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'mouse' || !event.shiftKey) return
    at = event.clientX
    over.setPointerCapture(event.pointerId)
  })
  over.addEventListener('pointermove', (event) => {
    if (at === undefined) return
    pan(at, event.clientX)
    at = event.clientX
  })
  over.addEventListener('pointerup', () => (at = undefined))
}

/** One finger marks a range to zoom to, two fingers pan; scrolling up and down stays the page's (`touch-action: pan-y`). */
function listenForTouch(u: uPlot, xAt: (clientX: number) => number, gestures: Gestures): void {
  const { over } = u
  const fingers = new Map<number, number>()
  let start: number | undefined
  over.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'touch') return
    fingers.set(event.pointerId, event.clientX)
    start = fingers.size === 1 ? event.clientX : undefined
  })
  over.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId)
    if (before === undefined) return
    fingers.set(event.pointerId, event.clientX)
    if (fingers.size === 2) gestures.panBy(xAt(event.clientX), xAt(before))
    else if (start !== undefined) mark(u, start, event.clientX)
  })
  const end = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId) || start === undefined) return
    const [from, to] = [start, event.clientX]
    start = undefined
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    if (event.type === 'pointerup' && Math.abs(to - from) > 4 * SHORTEST_DRAG)
      gestures.zoomTo(xAt(from), xAt(to))
    gestures.hover(xAt(to))
  }
  over.addEventListener('pointerup', end)
  over.addEventListener('pointercancel', end)
}

function mark(u: uPlot, from: number, to: number): void {
  const origin = u.over.getBoundingClientRect().left
  const left = Math.min(from, to) - origin
  u.setSelect({ left, top: 0, width: Math.abs(to - from), height: u.over.clientHeight }, false)
}
