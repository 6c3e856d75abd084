/**
 * `npm run pictures`: takes the pictures of the README and docs/tour.md again, in the light and the dark theme, from a real
 * server with real logs.
 */
import type { Page } from 'playwright-core'
import { Camera } from './pictures/camera.ts'
import { startPictureServer } from './pictures/picture-server.ts'

/** Runs of one project that trains agents. One of them explodes, the others do not. */
const AGENTS = ['144822', '120842', '152244', '182421', '203738', '212417', '214315', '224918']
/** Time-out to wait for a chart to mark its findings and events. */
const MARKS = { timeout: 30_000 }

const server = await startPictureServer()
const camera = new Camera()
try {
  await takeFirstPages()
  await takeTour()
} finally {
  await camera.close()
  await server.close()
}

/** The list of the sample runs, and the page of one run. */
async function takeFirstPages(): Promise<void> {
  let hasSamples = false
  await camera.take(
    'runs',
    async (page) => {
      await page.goto(server.url)
      if (!hasSamples) {
        await page.getByRole('button', { name: 'Load sample runs' }).click()
        await page.getByText('recorded trainings of other people').waitFor({ timeout: 120_000 })
        hasSamples = true
      }
      await page.locator('[data-run] canvas').nth(3).waitFor()
      await settled(page)
    },
    460,
  )
  const { id } = await server.runNamed('Mistral')
  await camera.take(
    'run',
    async (page) => {
      await openRun(page, id)
      await page.getByRole('button', { name: 'Try another cap …' }).click()
      const whatIf = page.getByRole('region', { name: 'What another cap would do' })
      await whatIf.getByRole('button', { name: /^p50/ }).click(MARKS)
      await whatIf.getByText(/would have clipped/).waitFor(MARKS)
      await page.evaluate('scrollTo(0, 0)')
      await settled(page)
    },
    940,
  )
}

/** From the alert message to the cause, in six pictures. */
async function takeTour(): Promise<void> {
  await server.addChannel()
  server.importLogs(
    'agents',
    AGENTS.map((name) => `verl-agent-opd-${name}`),
  )
  const { id } = await server.runNamed('144822')
  const { id: sibling } = await server.runNamed('120842')

  await camera.take(
    'tour-1-message',
    async (page) => {
      await page.goto(`${server.url}/runs/${id}/deliveries`)
      await page.getByText('delivered').first().waitFor(MARKS)
      await settled(page)
    },
    400,
  )
  await camera.take('tour-2-verdict', (page) => openRun(page, id))
  await camera.take('tour-3-onset', async (page) => {
    await openRun(page, id)
    await page.getByRole('button', { name: 'Details' }).first().click()
    await page.getByRole('list', { name: 'What moved with it' }).waitFor()
    await settled(page)
  })
  await camera.take('tour-4-moved', async (page) => {
    await page.goto(
      `${server.url}/runs/${id}?from=25&to=45&chart=response_length%2Fmean&chart=actor%2Freward_kl_penalty`,
    )
    await page.locator('.lane button').first().waitFor(MARKS)
    await page.getByRole('heading', { name: 'response_length/mean' }).scrollIntoViewIfNeeded()
    await page.locator('.small canvas').first().waitFor()
    await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)')
    await settled(page)
  })
  await camera.take('tour-5-sibling', async (page) => {
    await page.goto(`${server.url}/compare?run=${sibling}&run=${id}`)
    await page.locator('.chart canvas').nth(1).waitFor(MARKS)
    await settled(page)
  })
  await camera.take('tour-6-project', async (page) => {
    await page.goto(
      `${server.url}/projects/agents?column=metric%3Aresponse_length%2Fmean&sort=metric%3Aresponse_length%2Fmean`,
    )
    await page.locator('article canvas').first().waitFor(MARKS)
    await settled(page)
  })
}

async function openRun(page: Page, id: string): Promise<void> {
  await page.goto(`${server.url}/runs/${id}`)
  await page.locator('.lane button').first().waitFor(MARKS)
  await settled(page)
}

/** Waits until the page has sent no request for half a second and has drawn two frames. */
async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle')
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))')
}
