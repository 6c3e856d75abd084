import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BATCHES, batchOf } from './queues-then-dies.ts'
import { startApp, tempFolder } from './start-app.ts'

it('opens the findings of batches that a crash left unacknowledged once they are sent again', async () => {
  const folder = await tempFolder()
  const child = spawn(process.execPath, [join(import.meta.dirname, 'queues-then-dies.ts'), folder], {
    stdio: 'inherit',
  })
  expect((await once(child, 'exit'))[1]).toBe('SIGKILL')
  const { services, call } = await startApp({ folder })
  const stored = (await call('GET', '/runs/run')).body.points
  // one transaction was durable, the next one was not: else this test would show nothing
  expect(stored).toBeGreaterThan(4096)
  expect(stored).toBeLessThan(6000)
  for (let i = 0; i < BATCHES; i++) await services.ingest.accept('run', batchOf(i))
  const { body } = await call('GET', '/runs/run/findings?kind=spike')
  expect(body.findings).toMatchObject([{ kind: 'spike', opened_step: 6000 }])
})
