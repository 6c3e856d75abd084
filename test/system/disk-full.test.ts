import { spawnSync } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sync, type FinishReport } from '@normwatch/sdk'
import { describe, expect, it } from 'vitest'
import { startSdk } from '../../packages/sdk/test/start.ts'

const POINTS = 30_000
const LIMIT_KIB = 600
/** Logs and prints the report of `finish`. It handles SIGXFSZ, with which the kernel would end it for a file too large. */
const PROGRAM = `
import { init } from '@normwatch/sdk'
process.on('SIGXFSZ', () => {})
const run = init({ id: 'toy' })
for (let i = 0; i < ${POINTS}; i++) run.log({ gradNorm: i + 0.123456789, loss: i })
console.log(JSON.stringify(await run.finish({ timeoutMs: 6_000 })))`

describe('a spool on a disk that fills up', () => {
  it('keeps whole lines, and the rest is counted and reported', async () => {
    const { server, spoolDir } = await startSdk()
    const env = { ...process.env, NORMWATCH_URL: 'http://127.0.0.1:1', NORMWATCH_SPOOL: spoolDir }
    const command = `ulimit -f ${LIMIT_KIB}; exec "$0" --input-type=module --eval "$1"`
    const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, PROGRAM], {
      cwd: import.meta.dirname,
      env,
      encoding: 'utf8',
    })
    const { sent, unsent, refused, lost } = JSON.parse(stdout) as FinishReport
    expect([sent, refused, unsent + lost]).toEqual([0, 0, POINTS])
    expect(Math.min(unsent, lost)).toBeGreaterThan(0)
    expect(stderr).toContain('the spool cannot be written')
    expect(stderr).toContain(`${lost} points are lost`)

    const path = join(spoolDir, (await readdir(spoolDir))[0] ?? '')
    expect((await stat(path)).size).toBeLessThanOrEqual(LIMIT_KIB * 1024)
    expect(await sync({ spoolDir, url: server.url })).toMatchObject({ sent: unsent, filesLeft: [] })
    expect(server.steps('toy')).toHaveLength(unsent)
  })
})
