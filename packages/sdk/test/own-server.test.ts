import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { askLastStep } from '../src/node/ask-last-step.ts'
import { listSpoolFiles } from '../src/node/list-spool-files.ts'
import { findOwnServer } from '../src/node/own-server.ts'
import { otherUserOn } from '../src/node/other-user.ts'
import { sendSpoolFiles } from '../src/node/sync.ts'
import { startSdk, type Started } from './start.ts'

const TOKEN = `nw_${'t'.repeat(43)}`
const NOWHERE = 'http://127.0.0.1:1'

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-own-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Creates a data folder with a `server.json`. Returns the environment that names the folder. */
function announced(content: object, mode = 0o600): { NORMWATCH_DATA: string } {
  const folder = tempFolder()
  const here = { version: 1, token: TOKEN, url: NOWHERE, host: hostname(), pid: process.pid }
  writeFileSync(join(folder, 'server.json'), JSON.stringify({ ...here, ...content }), { mode })
  chmodSync(join(folder, 'server.json'), mode)
  return { NORMWATCH_DATA: folder }
}

/** Serves the small server on a Unix socket. Returns its address. */
async function onSocket({ server }: Started): Promise<string> {
  const path = join(tempFolder(), 'nw.sock')
  const forward = createServer((socket) => {
    const there = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.pipe(there).pipe(socket)
    for (const end of [socket, there]) end.on('error', () => there.destroy())
  }).listen(path)
  await once(forward, 'listening')
  onTestFinished(() => void forward.close())
  return `unix:${path}`
}

const tokensSeen = ({ server }: Started) =>
  new Set(server.requests.map(({ headers }) => headers.authorization))

describe("this user's own server", () => {
  it('gets a run that names no server, and its own token', async () => {
    const sdk = await startSdk()
    const ownServer = () => ({ url: sdk.server.url, token: TOKEN })
    const run = sdk.start({ url: undefined, id: 'r' }, { ownServer })
    run.log({ loss: 1 })
    expect((await run.finish()).sent).toBe(1)
    expect(tokensSeen(sdk)).toEqual(new Set([`Bearer ${TOKEN}`]))
  })

  it('does not have its token sent to another server', async () => {
    const sdk = await startSdk()
    const run = sdk.start({ id: 'r' }, { ownServer: () => ({ url: NOWHERE, token: TOKEN }) })
    run.log({ loss: 1 })
    expect((await run.finish()).sent).toBe(1)
    expect(tokensSeen(sdk)).toEqual(new Set([undefined]))
  })

  it.each([
    ['runs here', {}, NOWHERE],
    ['runs here on a socket', { url: 'unix:/run/nw.sock' }, 'unix:/run/nw.sock'],
    [
      'runs on another machine that is reached',
      { host: 'login1', url: 'http://login1:4280' },
      'http://login1:4280',
    ],
    ['runs on another machine for that one alone', { host: 'login1' }, undefined],
    ['was killed', { pid: 2 ** 30 }, undefined],
    ['was stopped', { url: undefined, pid: undefined }, undefined],
    ['is of a later version', { version: 2 }, undefined],
  ])('is found as it %s', (_how, content, url) => {
    expect(findOwnServer(announced(content))?.url).toBe(url)
  })

  it('is ignored if another user may have written the file', () => {
    const warn = vi.fn()
    expect(findOwnServer(announced({}, 0o640), warn)).toBeUndefined()
    expect(warn).toHaveBeenLastCalledWith(expect.stringContaining('can be opened by other users'))
    const folder = tempFolder()
    symlinkSync(join(announced({}).NORMWATCH_DATA, 'server.json'), join(folder, 'server.json'))
    expect(findOwnServer({ NORMWATCH_DATA: folder }, warn)).toBeUndefined()
    expect(warn).toHaveBeenLastCalledWith(expect.stringContaining('is a link'))
    mkdirSync(join(folder, 'other'))
    expect(findOwnServer({ NORMWATCH_DATA: join(folder, 'other') }, warn)).toBeUndefined()
    expect(warn).toHaveBeenCalledTimes(2)
  })
})

describe('another person on the default address', () => {
  const table = (uid: number, state = '0A') => {
    const file = join(tempFolder(), 'tcp')
    const row = `0: 0100007F:10B8 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 ${uid} 0 211`
    writeFileSync(file, `  sl  local_address\n   ${row}\n`)
    return [file, join(tempFolder(), 'missing')]
  }
  const address = 'http://127.0.0.1:4280'

  it.each([
    [1042, address, '0A', 1042],
    [1042, address, '01', undefined],
    [1042, 'http://127.0.0.1:4281', '0A', undefined],
    [1042, 'http://login1:4280', '0A', undefined],
    [1001, address, '0A', undefined],
    [0, address, '0A', undefined],
    [998, address, '0A', undefined],
    [61_184, address, '0A', undefined],
    [65_534, address, '0A', undefined],
  ])("is found in the kernel's tables: uid %s on %s, state %s", (uid, url, state, found) => {
    expect(otherUserOn(url, 1001, table(uid, state))).toBe(found)
  })

  it('gets no readings: the run is recorded offline', async () => {
    const sdk = await startSdk()
    const run = sdk.start(
      { url: undefined, id: 'r' },
      { ownServer: () => undefined, otherUserOn: () => 1042 },
    )
    run.log({ loss: 1 })
    expect((await run.finish()).unsent).toBe(1)
    expect(sdk.warnings.join()).toContain('the user 1042 listens on http://127.0.0.1:4280')
  })
})

describe('a Unix socket', () => {
  it('works for a run, with compressed batches too', async () => {
    const sdk = await startSdk()
    const url = await onSocket(sdk)
    const run = sdk.start({ id: 'r', url })
    expect(run.url).toBe('http://localhost:4280/runs/r')
    for (let step = 0; step < 3_000; step++) run.log({ step, loss: Math.random() })
    expect((await run.finish()).sent).toBe(3_000)
    expect(sdk.server.steps('r')).toHaveLength(3_000)
    expect(sdk.server.requests.some(({ headers }) => headers['content-encoding'] === 'gzip')).toBe(true)
  })

  it('returns the last step of a run that resumes', async () => {
    const path = join(tempFolder(), 'nw.sock')
    // in a separate process, because the call blocks until the answer comes
    const program = `
      require('node:http').createServer(({ url, headers }, reply) => {
        const isKnown = url === '/api/v1/runs/r' && headers.authorization === 'Bearer ${TOKEN}'
        const error = { code: 'run_not_found', message: 'no', ...(url !== '/api/v1/runs/foreign' && { details: [] }) }
        reply.statusCode = isKnown ? 200 : 404
        reply.end(JSON.stringify(isKnown ? { id: 'r', last_step: 41 } : { error }))
      }).listen(${JSON.stringify(path)}, () => console.log('listens'))`
    const server = spawn(process.execPath, ['--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void server.kill())
    await once(server.stdout, 'data')
    expect(askLastStep({ url: `unix:${path}`, run: 'r' }, TOKEN)).toBe(41)
    expect(askLastStep({ url: `unix:${path}`, run: 'other' }, TOKEN)).toBe(-1)
    expect(
      askLastStep({ url: `unix:${path}`, run: 'foreign' }, TOKEN),
      'an error of a gateway',
    ).toBeUndefined()
    expect(askLastStep({ url: `unix:${path}.gone`, run: 'r' }, TOKEN)).toBeUndefined()
  }, 30_000)

  it('works for a sync of offline readings', async () => {
    const sdk = await startSdk()
    const url = await onSocket(sdk)
    const run = sdk.start({ id: 'r', url, mode: 'offline' })
    run.log({ loss: 1 })
    await run.finish()
    const report = await sendSpoolFiles(await listSpoolFiles(sdk.spoolDir), { token: undefined })
    expect(report).toEqual({ sent: 1, refused: 0, filesLeft: [] })
    expect(sdk.server.steps('r')).toHaveLength(1)
  })
})
