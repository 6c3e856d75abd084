import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/** KB of scripts and style sheets that a browser loads for these pages in sequence. Each file counts once. */
export async function pageWeight(pages: readonly string[]) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await browser.newPage()
    const files = new Map<string, Promise<Buffer>>()
    page.on('response', (response) => {
      const isCode = ['script', 'stylesheet'].includes(response.request().resourceType())
      const isModule = /\.(js|mjs|css)$/.test(new URL(response.url()).pathname)
      if (isCode || isModule) files.set(response.url(), response.body())
    })
    for (const url of pages) {
      await page.goto(url, { waitUntil: 'networkidle' })
      await page.waitForTimeout(500)
    }
    const bodies = await Promise.all(files.values())
    const kilobytes = (size: (body: Buffer) => number) =>
      Math.round(bodies.reduce((sum, body) => sum + size(body), 0) / 102.4) / 10
    return {
      files: files.size,
      raw: kilobytes((body) => body.length),
      gzip: kilobytes((body) => gzipSync(body).length),
    }
  } finally {
    await browser.close()
  }
}
