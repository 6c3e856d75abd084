import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { firstSnippets } from '../../apps/dashboard/src/routes/snippets.ts'
import { RealServer } from './real-server.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8')
const page = textOf('docs/sdk-typescript.md')

interface Snippet {
  readonly file: string
  readonly heading: string
  readonly code: string
}

/** The blocks of TypeScript in a page, each named after the heading above it. */
function snippetsOf(path: string): Snippet[] {
  const text = textOf(path)
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(({ index, 1: code = '' }, number) => {
    const heading = text.slice(0, index).match(/^## (.*)$/gm)?.at(-1)?.slice(3) ?? '' // prettier-ignore
    return { file: `${path.replaceAll(/\W/g, '-')}-${number}.ts`, heading, code }
  })
}

const NOWHERE = 'http://127.0.0.1:9'
const [onEmptyPage] = firstSnippets(NOWHERE).others.filter(({ name }) => name === 'TypeScript')
const snippets: Snippet[] = [
  ...['README.md', 'docs/sdk-typescript.md', 'docs/recipes.md'].flatMap(snippetsOf),
  { file: 'empty-page.ts', heading: 'the empty page of runs', code: onEmptyPage?.text ?? '' },
]

/** A project with the built package, and TensorFlow.js. */
let folder: string
let server: RealServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'normwatch-docs-'))
  await run('npm', ['run', 'build', '-w', '@normwatch/sdk'], { cwd: ROOT })
  await cp(join(ROOT, 'packages/sdk/dist'), join(folder, 'node_modules/@normwatch/sdk'), { recursive: true })
  for (const name of ['@tensorflow', '@types'])
    await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
  await mkdir(join(folder, 'server'))
  server = new RealServer(join(folder, 'server'))
  await server.start()
  const write = ({ file, code }: Snippet) =>
    writeFile(join(folder, file), code.replaceAll(NOWHERE, server.url))
  await Promise.all(snippets.map(write))
}, 240_000)
afterAll(async () => {
  await server.kill()
  await rm(folder, { recursive: true, force: true })
})

describe('the pages about the TypeScript SDK', () => {
  it('have no blocks other than these and the installation, which the test of the package runs', () => {
    const kinds = [...page.matchAll(/^```(\S.*)$/gm)].map(([, kind]) => kind)
    expect(kinds).toEqual(['sh', ...snippetsOf('docs/sdk-typescript.md').map(() => 'ts')])
    expect(snippets.map(({ heading }) => heading)).toEqual(
      expect.arrayContaining(['The first point', 'A training loop', 'TensorFlow.js']),
    )
  })

  it("have snippets that type-check against the package's own declarations", async () => {
    const config = { extends: join(ROOT, 'tsconfig.base.json'), files: snippets.map(({ file }) => file) }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const compiled = run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder])
    expect(await compiled.catch(({ stdout }: { stdout: string }) => ({ stdout }))).toMatchObject({
      stdout: '',
    })
  })

  it.each(snippets)('have a snippet that records a run: $heading ($file)', async ({ file, code }) => {
    const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: join(folder, 'spool') }
    const { stderr } = await run(process.execPath, [join(folder, file)], { env })
    const lines = stderr.split('\n').filter((line) => line.startsWith('normwatch: '))
    if (!code.includes('init(')) return expect(lines).toEqual([])
    // nothing but the address is said: no warning
    expect(lines).toEqual([expect.stringContaining(`normwatch: ${server.url}/runs/`)])
    const id = lines[0]?.split('/runs/')[1] ?? ''
    const { status, points } = await server.get<{ status: string; points: number }>(`/runs/${id}`)
    expect(status).toBe(code.includes("'failed'") ? 'failed' : 'finished')
    if (!code.includes('strict')) expect(points).toBeGreaterThan(0)
  })

  it('name every option, reading and variable that the SDK knows', () => {
    const types = textOf('packages/sdk/src/types.ts')
    const fieldsOf = (name: string) => {
      const body = new RegExp(`interface ${name} \\{([\\s\\S]*?)\\n\\}`).exec(types)?.[1] ?? ''
      return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1] as string)
    }
    const names = [
      'InitOptions',
      'Readings',
      'LogOptions',
      'PartOptions',
      'EventOptions',
      'FlushOptions',
      'FinishOptions',
      'FinishReport',
      'SyncOptions',
      'SyncReport',
    ].flatMap(fieldsOf)
    expect(names.length).toBeGreaterThan(45)
    const variables = [...types.matchAll(/NORMWATCH_\w+/g)].map(([name]) => name)
    for (const name of [...names, ...variables]) expect(page).toMatch(new RegExp(`\\b${name}\\b`))
  })
})
