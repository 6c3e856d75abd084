import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DockerfileParser, type Instruction, type JSONInstruction } from 'dockerfile-ast'

const root = join(import.meta.dirname, '../..')
const IN_CONTAINER = join(import.meta.dirname, 'in-container.sh')

/** The result of a Dockerfile with one stage: the folder of the image, and how its container starts. */
export interface Image {
  /** The content of the container's root folder, without the files of the base image. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly workdir: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
  readonly volumes: readonly string[]
}

/**
 * Executes the project's Dockerfile without Docker, with the npm package `packed`. COPY copies, ADD unpacks, and RUN runs the
 * same command as root in the image so far. This machine stands for the base image.
 */
export function buildImage(target: string, packed: string): Image {
  const parsed = DockerfileParser.parse(readFileSync(join(root, 'Dockerfile'), 'utf8'))
  const context = contextFiles(packed)
  const folder = join(target, 'image')
  mkdirSync(folder)
  const image = { folder, env: {} as Record<string, string>, user: '0:0', workdir: '/' }
  const ends = {
    entrypoint: [] as string[],
    command: [] as string[],
    healthcheck: [] as string[],
    volumes: [] as string[],
  }
  for (const instruction of parsed.getInstructions()) {
    const words = wordsOf(instruction)
    switch (instruction.getKeyword()) {
      case 'WORKDIR':
        image.workdir = words[0] as string
        mkdirSync(join(folder, image.workdir), { recursive: true })
        break
      case 'ADD':
      case 'COPY':
        put(words, join(folder, image.workdir), context, folder, instruction.getKeyword() === 'ADD')
        break
      case 'RUN':
        run(instruction.getRawArgumentsContent() as string, image)
        break
      case 'ENV':
        for (const pair of words) {
          const [name, value] = pair.split('=') as [string, string]
          image.env[name] = value.replace(
            '$PATH',
            '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          )
        }
        break
      case 'USER':
        image.user = words[0] as string
        break
      case 'VOLUME':
        ends.volumes.push(...words)
        break
      case 'ENTRYPOINT':
        ends.entrypoint = jsonOf(instruction)
        break
      case 'CMD':
        ends.command = jsonOf(instruction)
        break
      case 'HEALTHCHECK':
        ends.healthcheck = JSON.parse(
          /CMD\s+(\[.*\])/s.exec(instruction.getRawArgumentsContent() as string)?.[1] ?? '[]',
        ) as string[]
        break
      case 'FROM':
      case 'EXPOSE':
      case 'LABEL':
        break
      default:
        throw new Error(`This test does not know the instruction ${instruction.getKeyword()}.`)
    }
  }
  return { ...image, ...ends }
}

/** Flags and arguments together; the parser returns them separately. */
const wordsOf = (instruction: Instruction) => [
  ...('getFlags' in instruction ? (instruction as JSONInstruction).getFlags() : []).map(String),
  ...instruction.getArguments().map((argument) => argument.getValue()),
]
const jsonOf = (instruction: Instruction) =>
  (instruction as JSONInstruction).getJSONStrings().map((text) => JSON.parse(text.getValue()) as string)

/** The files that `docker build` would send, by path. .dockerignore excludes everything and includes some files again. */
function contextFiles(packed: string): ReadonlyMap<string, string> {
  const [first, ...taken] = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n')
  if (first !== '*' || taken.some((line) => !line.startsWith('!'))) {
    throw new Error(
      'This test supports only a .dockerignore that begins with * and continues with lines of !.',
    )
  }
  const patterns = taken.map((line) => line.slice(1))
  const context = new Map(globSync(patterns, { cwd: root }).map((file) => [file, join(root, file)]))
  // use the package made for this test, not files that another `npm run pack` may have left
  for (const file of context.keys()) if (file.startsWith('dist/')) context.delete(file)
  return context.set(`dist/${basename(packed)}`, packed)
}

function put(
  words: readonly string[],
  workdir: string,
  context: ReadonlyMap<string, string>,
  folder: string,
  unpacks: boolean,
): void {
  const [destination = '', ...sources] = [...words].reverse()
  const into = destination.startsWith('/') ? join(folder, destination) : join(workdir, destination)
  for (const source of sources) {
    const pattern = new RegExp(`^${source.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`)
    const files = [...context].filter(([file]) => pattern.test(file))
    if (files.length === 0)
      throw new Error(`There is no ${source}: it is missing, or .dockerignore leaves it out.`)
    for (const [file, from] of files) {
      mkdirSync(into, { recursive: true })
      if (unpacks) execute('tar', ['-xzf', from, '-C', into, '--no-same-owner'])
      else cpSync(from, join(into, basename(file)))
    }
  }
}

function run(command: string, { folder, workdir }: { folder: string; workdir: string }): void {
  execute(IN_CONTAINER, ['build', folder, '', dirname(process.execPath), '0:0', workdir, 'sh', '-c', command])
}

function execute(program: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`, {
      cause: error,
    })
}
