import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand, startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'
import { Training } from './training.ts'

it('copies what a server has acknowledged while it goes on, and the copy starts another', async () => {
  const [folder, elsewhere] = [await tempFolder(), await tempFolder()]
  const { url, end } = await startServer(folder)
  const trainings = [new Training(1, 500), new Training(2, 64, true), new Training(3, 1), new Training(4, 1)]
  for (const training of trainings) await training.create(url)
  await fetch(`${url}/api/v1/runs/training-1`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: '{"notes": "kept"}',
  })

  let acknowledged = 0
  const { promise: enough, resolve: isEnough } = Promise.withResolvers<void>()
  let isOver = false
  const load = trainings.map(async (training) => {
    while (!isOver) {
      expect(await training.sendNext(url)).toBe(200)
      if (++acknowledged === 400) isEnough()
    }
  })
  await Promise.race([enough, Promise.all(load)])
  const before = trainings.map((training) => training.acknowledged)
  const file = join(elsewhere, 'normwatch.db')
  const backup = await runCommand(['backup', file, '--data', folder])
  const during = trainings.map((training) => training.acknowledged)
  isOver = true
  await Promise.all(load)

  expect(backup).toEqual({
    code: 0,
    output: expect.stringMatching(/normwatch\.db is a checked copy of .+: \d+\.\d MB in \d+\.\d s\.\n$/),
  })
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  for (const [i, count] of before.entries()) expect(during[i]).toBeGreaterThan(count)
  const copy = await startServer(elsewhere)
  for (const [i, training] of trainings.entries()) {
    const batches = await training.stored(copy.url)
    expect(batches).toBeGreaterThanOrEqual(before[i] as number)
    expect(batches).toBeLessThanOrEqual(during[i] as number)
    await training.expectStored(url)
    // what came after the instant of the copy is accepted there as well
    training.acknowledged = batches
    expect(await training.sendNext(copy.url)).toBe(200)
  }
  expect(await (await fetch(`${copy.url}/api/v1/runs/training-1`)).json()).toMatchObject({ notes: 'kept' })
  await copy.end('SIGTERM')
  await end('SIGTERM')
})

it('says in one sentence why there is no copy, and leaves nothing behind', async () => {
  const [folder, elsewhere] = [await tempFolder(), await tempFolder()]
  const server = await startServer(folder)
  const taken = join(elsewhere, 'taken.db')
  await writeFile(taken, 'mine')
  const answers = [
    [[], 2, "Missing required argument 'file'"],
    [['a.db', 'b.db'], 2, /^Too many arguments for 'backup'/],
    [[taken], 1, `${taken} exists already: name another file, or remove this one.`],
    [[join(elsewhere, 'no/copy.db')], 1, /copy\.db cannot be written: .*no such file or directory/],
    [[join(elsewhere, 'copy.db'), '--data', elsewhere], 1, `There is no data in ${elsewhere}.`],
  ] as const
  for (const [args, exitCode, sentence] of answers) {
    const { code, output } = await runCommand(['backup', '--data', folder, ...args])
    expect(code).toBe(exitCode)
    if (typeof sentence === 'string') expect(output).toBe(`${sentence}\n`)
    else expect(output).toMatch(sentence)
  }
  expect(await readdir(elsewhere)).toEqual(['taken.db'])
  expect(await readFile(taken, 'utf8')).toBe('mine')
  await server.end('SIGTERM')
})
