import type { Run } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { startServer } from './start-server.ts'
import { high, quiet, steps } from './training.ts'

const capped = { clip: { mode: 'norm', max_norm: 1 } } as const

describe('detection settings', () => {
  it('previews other settings on the record at once, and judges the run by them when they are saved', async () => {
    const server = await startServer()
    await server.put('r', capped)
    await server.send('r', steps(300, high))
    const page = await openPage()
    await page.goto(`${server.url}/runs/r/settings`)
    const preview = page.locator('section[aria-live]')
    await preview.getByText('Clipping is saturated').waitFor()
    await page.getByLabel('enabled').first().uncheck()
    await preview.getByText('No findings.').waitFor()
    expect((await server.call<{ health: string }>('GET', '/runs/r')).health).toBe('flagged')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved. The run was re-evaluated.').waitFor()
    const { findings } = await server.call<{ findings: { close_reason: string }[] }>(
      'GET',
      '/runs/r/findings',
    )
    expect(findings.map(({ close_reason }) => close_reason)).toEqual(['settings_changed'])
  })

  it('of a project are reached from its runs, tried on one of them, and judge all of them', async () => {
    const server = await startServer()
    const project = 'a & b? 100 %'
    for (const [id, norm] of Object.entries({ calm: quiet, loud: high, louder: high })) {
      await server.put(id, { ...capped, project })
      await server.send(id, steps(300, norm))
    }
    const page = await openPage()
    await page.goto(`${server.url}/?project=${encodeURIComponent(project)}`)
    await page.getByRole('link', { name: `Settings of ${project}` }).click()
    await page.getByRole('heading', { name: `Detection settings of the project ${project}` }).waitFor()
    const preview = page.locator('section[aria-live]')
    await page.getByLabel('Try on').selectOption('calm')
    await preview.getByText('No findings.').waitFor()
    await page.getByLabel('Try on').selectOption('loud')
    await preview.getByText('Clipping is saturated').waitFor()
    await page.getByLabel('enabled').first().uncheck()
    await preview.getByText('No findings.').waitFor()
    await page.getByText('the project sets 1').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('are being re-evaluated').waitFor()
    for (const id of ['loud', 'louder']) {
      await eventually(async () => (await server.call<Run>('GET', `/runs/${id}`)).health).toBe('watch')
    }
  })

  it('say of each value whether it is the run’s, the project’s or the default, and go back to it', async () => {
    const server = await startServer()
    await server.call('PUT', '/projects/p/settings', { clip_saturated: { open_rate: 0.7 } })
    await server.put('r', { ...capped, project: 'p' })
    await server.send('r', steps(100, quiet))
    const page = await openPage()
    await page.goto(`${server.url}/runs/r/settings`)
    const row = page.locator('.row', { has: page.getByLabel('open rate', { exact: true }) })
    await eventually(() => row.innerText()).toContain("the project's (default 0.8)")
    await row.getByLabel('open rate').fill('0.9')
    await eventually(() => row.innerText()).toContain("the run's own")
    await row.getByRole('button', { name: 'back to 0.7' }).click()
    await eventually(() => row.getByLabel('open rate').inputValue()).toBe('0.7')
    await row.getByLabel('open rate').fill('7')
    await eventually(() => row.innerText()).toContain('from 0.05 to 1')
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await page.getByRole('link', { name: 'those of the project p' }).click()
    await page.getByRole('heading', { name: 'Detection settings of the project p' }).waitFor()
    await page.getByText('its own settings still apply').waitFor({ state: 'detached' })
  })
})
