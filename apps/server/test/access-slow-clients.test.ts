import { expect, it, onTestFinished } from 'vitest'
import { say } from './raw-client.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

it('cuts off who never ends its headers, and answers the others meanwhile', { timeout: 60_000 }, async () => {
  const { url } = await startServer(await tempFolder())
  const began = performance.now()
  const slow = await Promise.all(
    Array.from({ length: 100 }, () => say(url, 'GET /api/v1/runs HTTP/1.1\r\nhost: localhost\r\nx-slow: ')),
  )
  const drip = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write('a')), 500)
  onTestFinished(() => clearInterval(drip))
  expect((await fetch(`${url}/api/v1/runs`)).status).toBe(200)
  const heard = await Promise.all(slow.map(({ heard }) => heard))
  // 15 s for the headers, and up to 2 s until the server looks again.
  expect(performance.now() - began).toBeLessThan(30_000)
  for (const answer of heard) {
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toContain('"code":"request_timeout"')
  }
})
