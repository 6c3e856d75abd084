import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Page } from 'playwright-core'
import { bytesOf } from '../../../packages/importers/test/recorded-logs.ts'
import { eventually, openPage, textOf } from './open-page.ts'
import { startServer } from './start-server.ts'

interface Given {
  readonly name: string
  readonly text: string
}

/** Drops files onto the page as a file manager does. */
async function drop(page: Page, files: readonly Given[]): Promise<void> {
  const data = await page.evaluateHandle((given) => {
    const transfer = new DataTransfer()
    for (const { name, text } of given) transfer.items.add(new File([text], name))
    return transfer
  }, files)
  await page.dispatchEvent('main', 'dragover', { dataTransfer: data })
  await page.getByText('Drop logs, or a folder of them').waitFor()
  await page.dispatchEvent('main', 'drop', { dataTransfer: data })
}

/** A log of so many steps in a file of its own, which goes with the test. */
async function logFile(steps: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'normwatch-e2e-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const line = (step: number): string =>
    `{"step": ${step}, "loss": 2.5, "grad_norm": 0.75, "pad": "${'x'.repeat(60)}"}\n`
  await writeFile(
    join(folder, 'run.jsonl'),
    Array.from({ length: steps }, (_, step) => line(step)),
  )
  return join(folder, 'run.jsonl')
}

describe('logs that are dropped on the runs page', { timeout: 120_000 }, () => {
  it('become runs, with the words of the shell, and a link to each', async () => {
    const server = await startServer()
    const page = await openPage()
    await page.goto(server.url)
    await page.getByRole('button', { name: 'Import logs' }).waitFor()
    await drop(page, [
      { name: 'trainer_state.json', text: bytesOf('medbot-lora').toString() },
      { name: 'args.json', text: '{"max_grad_norm": 1.0}' },
      { name: 'notes.txt', text: 'nothing' },
    ])
    const dialog = page.getByRole('dialog')
    await expect.poll(() => textOf(page, 'dialog'), { timeout: 60_000 }).toContain('1 run, 642 new points')
    const words = await textOf(page, 'dialog')
    expect(words).toContain('hf-trainer-state, 642 points, cap 1, norm grad_norm')
    expect(words).toContain('cap from max_grad_norm in args.json')
    expect(words).toMatch(/2 files not imported: No training log is recognised.* args\.json, notes\.txt/)
    await dialog.getByRole('link').click()
    await page.waitForURL(/\/runs\/trainer_state/)
  })

  it('may be dropped while the dialog asks for them, and the page stays', async () => {
    const server = await startServer()
    const page = await openPage()
    await page.goto(server.url)
    await page.getByRole('button', { name: 'Import logs' }).click()
    await page.getByRole('dialog').getByText('Drop files or a folder on this page').waitFor()
    await drop(page, [{ name: 'trainer_state.json', text: bytesOf('medbot-lora').toString() }])
    await expect.poll(() => textOf(page, 'dialog'), { timeout: 60_000 }).toContain('1 run, 642 new points')
  })

  it('are found in a folder that is dropped as a file manager drops it, and what no browser can read is said', async () => {
    const server = await startServer()
    const page = await openPage()
    await page.goto(server.url)
    await page.getByRole('button', { name: 'Import logs' }).waitFor()
    const file = await logFile(300)
    const folder = join(file, '..')
    await mkdir(join(folder, 'older/one'), { recursive: true })
    await copyFile(file, join(folder, 'older/one/metrics.jsonl'))
    new DatabaseSync(join(folder, 'mlflow.db')).exec('CREATE TABLE metrics (key TEXT)')
    const input = await page.context().newCDPSession(page)
    const data = { items: [], files: [folder], dragOperationsMask: 1 }
    const drag = (type: 'dragEnter' | 'dragOver' | 'drop') =>
      input.send('Input.dispatchDragEvent', { type, x: 400, y: 400, data })
    // the browser ignores such an event now and then
    await expect
      .poll(
        async () => {
          for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await drag(type)
          return page
            .getByRole('dialog')
            .waitFor({ timeout: 3_000 })
            .then(
              () => true,
              () => false,
            )
        },
        { timeout: 60_000 },
      )
      .toBe(true)
    await expect.poll(() => textOf(page, 'dialog'), { timeout: 60_000 }).toContain('2 runs, 600 new points')
    const words = await textOf(page, 'dialog')
    expect(words).toContain('one/metrics.jsonl')
    expect(words).toContain(
      'mlflow.db not imported: SQLite files are read by the command "normwatch import" alone, from a disk.',
    )
  })

  it('may be Parquet in any of its compressions, which the page unpacks without WebAssembly', async () => {
    const server = await startServer()
    const page = await openPage()
    await page.goto(server.url)
    await page.getByRole('button', { name: 'Import logs' }).click()
    const made = join(import.meta.dirname, '../../../packages/importers/test/made/parquet')
    const codecs = ['none', 'snappy', 'gzip', 'zstd', 'lz4', 'brotli']
    await page.getByLabel('Files').setInputFiles(codecs.map((codec) => join(made, `${codec}.parquet`)))
    await expect.poll(() => textOf(page, 'dialog'), { timeout: 60_000 }).toContain('6 runs, 240 new points')
  })

  it('are chosen with a button too, leave the page free while they are read, and can be cancelled', async () => {
    const server = await startServer()
    const page = await openPage()
    await page.goto(server.url)
    const file = await logFile(50_000)
    await page.getByRole('button', { name: 'Import logs' }).click()
    await page.evaluate(() => {
      const blocked = { milliseconds: 0 }
      Object.assign(globalThis, { blocked })
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) blocked.milliseconds += duration
      }).observe({ type: 'longtask' })
    })
    const begin = performance.now()
    await page.getByLabel('Files').setInputFiles(file)
    await expect.poll(() => textOf(page, 'dialog'), { timeout: 60_000 }).toContain('1 run, 50 000 new points')
    const took = performance.now() - begin
    const blocked = await page.evaluate(
      () => (globalThis as unknown as { blocked: { milliseconds: number } }).blocked.milliseconds,
    )
    // were it the page that reads, it would be blocked nearly all of the time
    expect(blocked / took).toBeLessThan(0.5)
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Import logs' }).click()
    await page.getByLabel('Files').setInputFiles(await logFile(400_000))
    await page.getByRole('button', { name: 'Cancel' }).click()
    await eventually(() => textOf(page, 'dialog')).toContain('Cancelled.')
  })
})
