import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../apps/server/test/free-port.ts'

const root = join(import.meta.dirname, '../..')

it('serves pages by the development server, and restarts the API after a change', async () => {
  const data = await mkdtemp(join(tmpdir(), 'normwatch-dev-'))
  const port = String(await freePort())
  const args = ['scripts/dev.ts', '--port', port, '--data', data]
  const env = { ...process.env, NO_COLOR: '1' }
  const dev = spawn(process.execPath, args, { cwd: root, stdio: 'pipe', detached: true, env })
  let said = ''
  dev.stdout.on('data', (text) => (said += text))
  dev.stderr.on('data', (text) => (said += text))
  onTestFinished(async () => {
    if (dev.exitCode === null) process.kill(-(dev.pid as number), 'SIGKILL')
    await rm(data, { recursive: true, force: true })
  })
  const starts = () => said.split('listens on').length - 1
  const wait = { timeout: 60_000 }
  await expect.poll(starts, wait).toBe(1)
  const pages = /http:\/\/localhost:\d+/
  await expect.poll(() => said, wait).toMatch(pages)
  const [address = ''] = pages.exec(said) ?? []
  expect(await (await fetch(address)).text()).toContain('kit.start(app')
  expect((await fetch(`${address}/api/v1/runs`)).status).toBe(200)

  const now = new Date()
  await utimes(join(root, 'apps/server/src/welcome.ts'), now, now)
  await expect.poll(starts, wait).toBe(2)
  expect((await fetch(`${address}/api/v1/runs`)).status).toBe(200)

  dev.kill('SIGINT')
  expect(await once(dev, 'exit')).toEqual([0, null])
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
})
