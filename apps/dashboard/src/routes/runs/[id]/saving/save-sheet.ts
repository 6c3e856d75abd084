import { FONT_FAMILY } from '#lib/chart/draw.ts'
import { paletteOf } from '#lib/chart/palette.svelte.ts'
import type { ChartSheet } from './chart-sheet.ts'
import { layOut } from './sheet-layout.ts'
import { sheetSvg } from './sheet-svg.ts'

export type SheetFormat = 'png' | 'svg'
export type SheetTheme = 'light' | 'dark'

/** Pixels of a PNG for each of the drawing: sharp on paper and on a screen of high density. */
const SHARPNESS = 2

/** Hands a chart to the person as a file, in the colours of either theme. */
export async function saveSheet(sheet: ChartSheet, format: SheetFormat, theme: SheetTheme): Promise<void> {
  const palette = paletteOf(theme)
  const layout = await layOut(sheet, palette)
  const { svg, width, height } = sheetSvg(sheet, layout, palette, measure)
  const blob =
    format === 'svg' ? new Blob([svg], { type: 'image/svg+xml' }) : await painted(svg, width, height)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = `${sheet.file}.${format}`
  link.click()
  // The browser has taken the file when the click has been handled; a moment later nothing needs the address.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

const context = document.createElement('canvas').getContext('2d')

function measure(text: string, size: number): number {
  if (context === null) return text.length * size * 0.6
  context.font = `${size}px ${FONT_FAMILY}`
  return context.measureText(text).width
}

async function painted(svg: string, width: number, height: number): Promise<Blob> {
  const image = new Image(width * SHARPNESS, height * SHARPNESS)
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = width * SHARPNESS
  canvas.height = height * SHARPNESS
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error('The browser gave no picture.'))
      else resolve(blob)
    })
  })
}
