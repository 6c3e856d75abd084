import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { eventually, openPage } from './open-page.ts'
import { callsReceivers, startReceiver } from './receiver.ts'
import { startServer } from './start-server.ts'
import { high, steps } from './training.ts'

const capped = { name: 'clip 1.0', clip: { mode: 'norm', max_norm: 1 } } as const
const SECRET = /whsec_[A-Za-z0-9+/=]+/

describe('alerts', () => {
  it('adds a channel by its form, shows what its receiver says to a test, and its secret once', async () => {
    const server = await startServer(callsReceivers)
    const receiver = await startReceiver()
    const page = await openPage()
    await page.goto(`${server.url}/channels`)
    const add = page.getByRole('button', { name: 'Add a channel' })
    await add.click()
    await page.getByLabel('Address').fill('not an address')
    await page.getByRole('button', { name: 'Add the channel' }).click()
    await page.getByText('must be an http or https address').waitFor()
    await page.keyboard.press('Escape')
    expect(await add.evaluate((button) => button === document.activeElement)).toBe(true)
    await addChannel(page, receiver.url)
    const secret = await shownSecret(page)

    receiver.answer.body = 'thank you'
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('The receiver accepted the test message: status 200.').waitFor()
    await page.getByText('thank you').waitFor()
    expect(receiver.got[0]?.body.type).toBe('channel.test')
    Object.assign(receiver.answer, { status: 503, body: 'closed for lunch' })
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('The test message did not arrive: status 503.').waitFor()
    await page.getByText('closed for lunch').waitFor()

    await page.getByRole('button', { name: 'Rotate secret' }).click()
    await page.getByText('The old secret also works for 24 hours.').waitFor()
    const rotated = await shownSecret(page)
    expect(rotated).not.toBe(secret)
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await eventually(() => receiver.got.length).toBe(3)
    expect(receiver.got.map((message) => message.signedBy(secret))).toEqual([true, true, true])
    expect(receiver.got.map((message) => message.signedBy(rotated))).toEqual([false, false, true])
    await page.reload()
    await page.getByRole('heading', { name: 'on-call' }).waitFor()
    expect(await page.content()).not.toMatch(SECRET)
  })

  it('logs each delivery with its tries and the answer, and sends one again', async () => {
    const server = await startServer(callsReceivers)
    const receiver = await startReceiver()
    const page = await openPage()
    await page.goto(`${server.url}/channels`)
    await addChannel(page, receiver.url)
    await server.put('r', capped)
    await server.send('r', steps(300, high))
    await eventually(() => receiver.got.length).toBe(1)

    await page.getByRole('link', { name: 'Deliveries' }).click()
    await page.getByRole('heading', { name: 'Deliveries to on-call' }).waitFor()
    const rows = page.getByRole('list', { name: 'Deliveries' }).getByRole('listitem')
    await eventually(() => rows.allInnerTexts()).toHaveLength(1)
    await eventually(async () => flat(await rows.first().innerText())).toMatch(
      /delivered opening: clipping is saturated in r · (now|\d+ s ago) 1 try, the last (now|\d+ s ago) · status 200 taken/,
    )
    receiver.answer.body = 'again'
    await rows.getByRole('button', { name: 'Redeliver' }).click()
    await eventually(async () => flat(await rows.first().innerText())).toContain('again')
    expect(receiver.got.map(({ id }) => id)).toEqual(Array(2).fill(receiver.got[0]?.id))

    await page.getByRole('link', { name: 'r', exact: true }).click()
    const told = page.getByRole('list', { name: 'Notified' })
    await eventually(async () => flat(await told.innerText())).toMatch(/on-call: opening delivered/)
    await page.getByRole('link', { name: 'Deliveries' }).click()
    await eventually(async () => flat(await rows.first().innerText())).toMatch(
      /delivered opening: clipping is saturated to on-call/,
    )
  })

  it('says on every page that a channel fails and how, until its receiver takes a message', async () => {
    const server = await startServer(callsReceivers)
    const receiver = await startReceiver()
    receiver.answer.status = 500
    await server.call('POST', '/channels', { kind: 'webhook', url: receiver.url, name: 'on-call' })
    await server.put('r', capped)
    await server.send('r', steps(300, high))
    await eventually(() => receiver.got.length).toBe(1)
    const page = await openPage()
    const banner = page.getByText(/Alerts are not reaching on-call/)
    for (const path of ['/', '/runs/r', '/channels']) {
      await page.goto(server.url + path)
      await eventually(async () => flat(await banner.innerText())).toMatch(/since (now|\d+ s ago): .*500/)
    }
    await page.getByText(/Failing since/).waitFor()
    // two tries fail, the third is minutes away
    await eventually(() => receiver.got.length).toBe(2)
    receiver.answer.status = 200
    await banner.getByRole('link', { name: 'on-call' }).click()
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText('delivered').waitFor()
    await banner.waitFor({ state: 'detached' })
    expect(new Set(receiver.got.map(({ id }) => id)).size).toBe(1)
  })

  it('tells on a finding’s card what a channel waits for, and mutes it there', async () => {
    const server = await startServer({ ...callsReceivers, NORMWATCH_GROUP_SECONDS: '600' })
    const receiver = await startReceiver()
    await server.call('POST', '/channels', { kind: 'webhook', url: receiver.url, name: 'on-call' })
    await server.put('r', capped)
    await server.send('r', steps(300, high))
    const page = await openPage()
    await page.goto(`${server.url}/runs/r`)
    const told = page.getByRole('list', { name: 'Notified' })
    await eventually(async () => flat(await told.innerText())).toMatch(
      /on-call: opening waiting \(sends in 9 min/,
    )
    const mute = page.getByRole('button', { name: 'Mute …' })
    await mute.click()
    await page.getByLabel('What').selectOption({ label: 'everything in this run' })
    await page.getByLabel('For').selectOption({ label: '1 day' })
    await page.getByRole('dialog').getByRole('button', { name: 'Mute' }).click()
    await page.getByText('Muted until').waitFor()
    expect(await mute.evaluate((button) => button === document.activeElement)).toBe(true)
    await server.send('r', { step: [300], grad_norm: ['NaN'] })
    await eventually(async () => flat(await told.first().innerText())).toContain('waiting (held by a mute)')
    expect(receiver.got).toEqual([])
    await page.goto(`${server.url}/channels`)
    await page.getByText('Everything in the run r').waitFor()
    await page.getByRole('button', { name: 'End the mute: Everything in the run r' }).click()
    await page.getByText('Nothing is muted.').waitFor()
    await eventually(() => receiver.got.map(({ body }) => body.data)).toMatchObject([
      { finding: { kind: 'nonfinite' } },
    ])
  })

  it('sends nothing to a disabled channel, and to an enabled one again', async () => {
    const server = await startServer(callsReceivers)
    const receiver = await startReceiver()
    await server.call('POST', '/channels', { kind: 'webhook', url: receiver.url, name: 'on-call' })
    const page = await openPage()
    await page.goto(`${server.url}/channels`)
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('Disabled by hand.').waitFor()
    await server.put('unheard', capped)
    await server.send('unheard', steps(300, high))
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByRole('button', { name: 'Disable' }).waitFor()
    await server.put('heard', capped)
    await server.send('heard', steps(300, high))
    await eventually(() => receiver.got.length).toBe(1)
    expect(receiver.got[0]?.body.data).toMatchObject({ run: { id: 'heard' } })
  })
})

async function addChannel(page: Page, url: string): Promise<void> {
  await page.getByRole('button', { name: 'Add a channel' }).click()
  await page.getByLabel('Address').fill(url)
  await page.getByLabel('Name', { exact: true }).fill('on-call')
  await page.getByRole('button', { name: 'Add the channel' }).click()
  await page.getByText(SECRET).waitFor()
}

async function shownSecret(page: Page): Promise<string> {
  return SECRET.exec(await page.getByText(SECRET).innerText())?.[0] as string
}

const flat = (text: string) => text.replaceAll(/\s+/g, ' ')
