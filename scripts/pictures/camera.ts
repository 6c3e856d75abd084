import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { ensureBrowser } from '../browsers.ts'

const FOLDER = join(import.meta.dirname, '../../docs/images')
const VIEW = { width: 1280, height: 800 }
/** WebP of this quality keeps text sharp at a third of the size of PNG. */
const QUALITY = 82
/** The largest allowed size of one picture, in bytes. */
const MOST = 120_000

/** Brings a page to the state to be pictured. */
export type Scene = (page: Page) => Promise<void>

/** Takes pictures of pages in the light and the dark theme and saves them in `docs/images`. */
export class Camera {
  readonly #browser: Promise<Awaited<ReturnType<typeof chromium.launch>>>

  constructor() {
    const executablePath = ensureBrowser('chromium')
    this.#browser = chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  }

  /** Writes `name.webp` and `name-dark.webp`, `height` CSS pixels high. */
  async take(name: string, scene: Scene, height = VIEW.height): Promise<void> {
    await mkdir(FOLDER, { recursive: true })
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await (
        await this.#browser
      ).newContext({ viewport: { ...VIEW, height }, colorScheme, reducedMotion: 'reduce' })
      const page = await context.newPage()
      await scene(page)
      await page.mouse.move(VIEW.width - 1, height - 1)
      const session = await context.newCDPSession(page)
      const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY })
      const picture = Buffer.from(data, 'base64')
      const file = `${name}${colorScheme === 'dark' ? '-dark' : ''}.webp`
      if (picture.length > MOST) throw new Error(`${file} has ${picture.length} bytes, more than ${MOST}.`)
      await writeFile(join(FOLDER, file), picture)
      console.log(`${file}: ${Math.round(picture.length / 1000)} kB`)
      await context.close()
    }
  }

  async close(): Promise<void> {
    await (await this.#browser).close()
  }
}
