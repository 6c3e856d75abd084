import type { Attachment } from 'svelte/attachments'
import { faint } from '#lib/chart/draw.ts'
import type { Palette } from '#lib/chart/palette.svelte.ts'
import type { MetricBuckets } from '#lib/chart/series-window.ts'

export interface SparklineData {
  readonly norm: MetricBuckets
  readonly cap: number | null
  readonly palette: Palette
}

interface Frame {
  readonly width: number
  readonly height: number
  readonly x: (i: number) => number
  readonly y: (value: number) => number
}

/** Draws a norm on a log axis into the canvas: the cap as a line, the part above it tinted, ▽ for readings that are not finite. */
export function sparkline(data: () => SparklineData | undefined): Attachment<HTMLCanvasElement> {
  return (canvas) => {
    const now = data()
    const context = canvas.getContext('2d')
    canvas.width = canvas.clientWidth * devicePixelRatio
    canvas.height = canvas.clientHeight * devicePixelRatio
    if (now === undefined || context === null) return
    context.scale(devicePixelRatio, devicePixelRatio)
    draw(context, now, { width: canvas.clientWidth, height: canvas.clientHeight })
  }
}

function draw(
  context: CanvasRenderingContext2D,
  { norm, cap, palette }: SparklineData,
  size: { width: number; height: number },
): void {
  const [low, high] = extent(norm, cap)
  const scale = (size.height - 6) / (Math.log(high / low) || 1)
  const from = norm.step[0] ?? 0
  const span = (norm.step.at(-1) ?? 0) - from || 1
  const frame: Frame = {
    ...size,
    x: (i) => 1 + (((norm.step[i] as number) - from) / span) * (size.width - 2),
    y: (value) => size.height - 3 - Math.log(value / low) * scale,
  }
  const path = linePath(norm, frame)
  if (cap !== null) {
    const y = frame.y(cap)
    context.fillStyle = faint(palette.cap, 0.12)
    context.fillRect(0, 0, size.width, Math.max(0, y))
    context.fillStyle = faint(palette.cap, 0.7)
    context.fillRect(0, y - 0.5, size.width, 1)
  }
  context.lineWidth = 1.25
  context.lineJoin = 'round'
  context.strokeStyle = palette.norm
  context.stroke(path)
  if (cap !== null) strokeAbove(context, path, frame.y(cap), size.width, palette.cap)
  context.fillStyle = palette.nonfinite
  norm.nonfinite.forEach((count, i) => count > 0 && drawTriangle(context, frame.x(i)))
}

function linePath(norm: MetricBuckets, { x, y }: Frame): Path2D {
  const path = new Path2D()
  let isDown = false
  norm.max.forEach((value, i) => {
    if (value === null || value <= 0) isDown = false
    else if (isDown) path.lineTo(x(i), y(value))
    else {
      path.moveTo(x(i), y(value))
      path.lineTo(x(i) + 0.5, y(value))
      isDown = true
    }
  })
  return path
}

function strokeAbove(
  context: CanvasRenderingContext2D,
  path: Path2D,
  y: number,
  width: number,
  colour: string,
): void {
  context.save()
  context.beginPath()
  context.rect(0, 0, width, Math.max(0, y))
  context.clip()
  context.strokeStyle = colour
  context.stroke(path)
  context.restore()
}

function drawTriangle(context: CanvasRenderingContext2D, x: number): void {
  context.beginPath()
  context.moveTo(x - 3, 0)
  context.lineTo(x + 3, 0)
  context.lineTo(x, 5)
  context.fill()
}

/** The smallest and the largest positive value, the cap among them. */
function extent({ max }: MetricBuckets, cap: number | null): [number, number] {
  const positive = [...max, cap].filter((value): value is number => value !== null && value > 0)
  const low = Math.min(...positive, Infinity)
  const high = Math.max(...positive, 0)
  if (high === 0) return [0.1, 10]
  return low === high ? [low / 2, high * 2] : [low, high]
}
