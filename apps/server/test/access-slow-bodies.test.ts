import { expect, it, onTestFinished } from 'vitest'
import { say } from './raw-client.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

it('cuts off who never ends a body, and answers the others meanwhile', { timeout: 90_000 }, async () => {
  const { url } = await startServer(await tempFolder())
  const began = performance.now()
  const head = 'PUT /api/v1/runs/r HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
  const slow = await Promise.all(
    Array.from({ length: 50 }, () => say(url, `${head}content-length: 1000\r\n\r\n{`)),
  )
  const drip = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write(' ')), 500)
  onTestFinished(() => clearInterval(drip))
  expect((await fetch(`${url}/api/v1/runs`)).status).toBe(200)
  const heard = await Promise.all(slow.map(({ heard }) => heard))
  // 60 s for the whole request, and up to 2 s until the server looks again.
  expect(performance.now() - began).toBeLessThan(75_000)
  for (const answer of heard) expect(answer).toContain('"code":"request_timeout"')
  expect(await (await fetch(`${url}/api/v1/runs`)).json()).toMatchObject({ runs: [] })
})
