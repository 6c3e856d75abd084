import type uPlot from 'uplot'
import type { Gestures } from '#lib/chart/chart-spec.ts'

/** In CSS pixels: a drag of the mouse, or of a finger, shorter than this is a click. */
const SHORTEST_DRAG = 4
const SHORTEST_SWIPE = 16
/** Fingers closer than this, in CSS pixels, count as this far apart. */
const CLOSEST_FINGERS = 40

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
  let isOnChart = false
  return {
    setCursor: [
      (u) => {
        const wasOn = isOnChart
        isOnChart = isOn(u)
        if (wasOn && !isOnChart) gestures.hover(null)
        if (!isOnChart) return
        const left = u.cursor.left as number
        // Every drawing tells of the cursor; keys may have put it between two pixels.
        const isThere = gestures.cursor !== null && Math.abs(u.valToPos(gestures.cursor, 'x') - left) < 1
        if (!isThere) gestures.hover(u.posToVal(left, 'x'))
      },
    ],
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
  over.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey) return
      event.preventDefault()
      gestures.zoomAt(u.posToVal(leftOf(u, event), 'x'), event.deltaY > 0 ? 1.25 : 0.8)
    },
    { passive: false },
  )
  listenForPan(u, gestures)
  listenForTouch(u, gestures)
}

function leftOf({ over }: uPlot, { clientX }: MouseEvent): number {
  return clientX - over.getBoundingClientRect().left
}

/**
 * Takes hold of a chart at one or two places, in CSS pixels from its left. The returned function says which part of the x axis
 * is visible when the held points follow the pointers: one pointer pans, two also zoom.
 */
function grip(u: uPlot, held: readonly number[]): (places: readonly number[]) => [number, number] {
  const width = u.over.clientWidth
  const values = held.map((left) => u.posToVal(left, 'x'))
  const resting = (u.posToVal(width, 'x') - u.posToVal(0, 'x')) / width
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length
  const apart = ([first = 0, second = first]: readonly number[]) =>
    Math.max(CLOSEST_FINGERS, Math.abs(second - first))
  return (places) => {
    const unit = (resting * apart(held)) / apart(places)
    const left = mean(values) - mean(places) * unit
    return [left, left + width * unit]
  }
}

function listenForPan(u: uPlot, gestures: Gestures): void {
  let move: ReturnType<typeof grip> | undefined
  u.over.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'mouse' || !event.shiftKey) return
    move = grip(u, [leftOf(u, event)])
    u.over.setPointerCapture(event.pointerId)
  })
  u.over.addEventListener('pointermove', (event) => move && gestures.moveTo(...move([leftOf(u, event)])))
  u.over.addEventListener('pointerup', () => (move = undefined))
}

/**
 * One finger marks a range to zoom to, two fingers pan and zoom; scrolling up and down stays the page's (`touch-action: pan-y`).
 * A tap is a click, which sets the cursor.
 */
function listenForTouch(u: uPlot, gestures: Gestures): void {
  const fingers = new Map<number, number>()
  let start: number | undefined
  let move: ReturnType<typeof grip> | undefined
  const mark = (left: number, width: number) =>
    u.setSelect({ left, top: 0, width, height: u.over.clientHeight }, false)

  u.over.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'touch') return
    fingers.set(event.pointerId, leftOf(u, event))
    start = fingers.size === 1 ? leftOf(u, event) : undefined
    move = fingers.size === 2 ? grip(u, [...fingers.values()]) : undefined
    mark(0, 0)
  })
  u.over.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return
    const left = leftOf(u, event)
    fingers.set(event.pointerId, left)
    if (move !== undefined) gestures.moveTo(...move([...fingers.values()]))
    else if (start !== undefined) mark(Math.min(start, left), Math.abs(left - start))
  })
  const end = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId)) return
    const [from, to] = [start, leftOf(u, event)]
    start = move = undefined
    mark(0, 0)
    if (event.type === 'pointercancel' || from === undefined || Math.abs(to - from) < SHORTEST_SWIPE) return
    gestures.zoomTo(u.posToVal(from, 'x'), u.posToVal(to, 'x'))
  }
  u.over.addEventListener('pointerup', end)
  u.over.addEventListener('pointercancel', end)
}
