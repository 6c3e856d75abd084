import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { SmallServer } from '../../packages/sdk/test/small-server.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/sdk-typescript.md'), 'utf8')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

/** Each TypeScript block of the page, named after the heading above it, and the block of the README. */
const snippets = [...`${page}\n${readme}`.matchAll(/```ts\n([\s\S]*?)```/g)].map((match, number) => {
  const heading =
    `${page}\n${readme}`
      .slice(0, match.index)
      .match(/^## (.*)$/gm)
      ?.at(-1)
      ?.slice(3) ?? ''
  return { file: `snippet-${number}.ts`, heading, code: match[1] as string }
})

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'normwatch-docs-'))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
  await Promise.all(snippets.map(({ file, code }) => writeFile(join(folder, file), code)))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the page of the TypeScript SDK', () => {
  it('has no blocks other than these and the installation, which the test of the package runs', () => {
    const kinds = [...page.matchAll(/^```(\S.*)$/gm)].map(([, kind]) => kind)
    const inReadme = [...readme.matchAll(/^```ts$/gm)].length
    expect(inReadme).toBe(1)
    expect(kinds).toEqual(['sh', ...snippets.slice(inReadme).map(() => 'ts')])
  })

  it('has snippets that type-check', async () => {
    const config = { extends: join(ROOT, 'tsconfig.base.json'), files: snippets.map(({ file }) => file) }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const compiled = run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder])
    expect(await compiled.catch(({ stdout }: { stdout: string }) => ({ stdout }))).toMatchObject({
      stdout: '',
    })
  })

  it.each(snippets)('has a snippet that runs: $heading ($file)', async ({ file, code }) => {
    const server = await new SmallServer().listen()
    onTestFinished(() => server.close())
    const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: join(folder, 'spool') }
    const { stderr } = await run(process.execPath, [join(folder, file)], { env })
    const calls = code.includes('init(')
    expect(server.runs.size).toBe(calls ? 1 : 0)
    if (!calls) return
    expect(stderr).toContain(`normwatch: ${server.url}/runs/`)
    const [[id, changes] = ['', []]] = server.runs
    expect(changes.at(-1)).toEqual({ status: code.includes("'failed'") ? 'failed' : 'finished' })
    if (!code.includes('strict')) expect(server.steps(id).length).toBeGreaterThan(0)
  })

  it('names every option, reading and variable that the SDK knows', () => {
    const types = readFileSync(join(ROOT, 'packages/sdk/src/types.ts'), 'utf8')
    const fieldsOf = (name: string) => {
      const body = new RegExp(`interface ${name} \\{([\\s\\S]*?)\\n\\}`).exec(types)?.[1] ?? ''
      return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1] as string)
    }
    const names = ['InitOptions', 'Readings', 'FinishOptions', 'FinishReport', 'SyncReport'].flatMap(fieldsOf)
    expect(names.length).toBeGreaterThan(30)
    const variables = [...types.matchAll(/NORMWATCH_\w+/g)].map(([name]) => name)
    for (const name of [...names, ...variables]) expect(page).toMatch(new RegExp(`\\b${name}\\b`))
  })
})
