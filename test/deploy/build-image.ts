import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DockerfileParser, type Instruction, type JSONInstruction } from 'dockerfile-ast'

const root = join(import.meta.dirname, '../..')

/** What a Dockerfile comes to: the folder of its last stage and how its container starts. */
export interface Image {
  /** Holds what the container has at its root. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly workdir: string
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
  readonly volumes: readonly string[]
}

/**
 * Carries out the project's Dockerfile without Docker: every stage is a folder, COPY copies and RUN runs the very command
 * in it, with this machine in the place of the base image. `/data` is made where the container runs.
 */
export function buildImage(target: string): Image {
  const parsed = DockerfileParser.parse(readFileSync(join(root, 'Dockerfile'), 'utf8'))
  const context = contextFiles()
  const image = { folder: '', env: {} as Record<string, string>, user: '', workdir: '/' }
  const ends = { command: [] as string[], healthcheck: [] as string[], volumes: [] as string[] }
  for (const instruction of parsed.getInstructions()) {
    const words = wordsOf(instruction)
    switch (instruction.getKeyword()) {
      case 'FROM':
        image.folder = join(target, words[2] ?? 'final')
        image.workdir = '/'
        mkdirSync(image.folder)
        break
      case 'WORKDIR':
        image.workdir = words[0] as string
        mkdirSync(join(image.folder, image.workdir), { recursive: true })
        break
      case 'COPY':
        copy(words, image, context, target)
        break
      case 'RUN':
        run(instruction.getRawArgumentsContent() as string, image)
        break
      case 'ENV':
        for (const pair of words) image.env[pair.split('=')[0] as string] = pair.split('=')[1] as string
        break
      case 'USER':
        image.user = words[0] as string
        break
      case 'VOLUME':
        ends.volumes.push(...words)
        break
      case 'CMD':
        ends.command = jsonOf(instruction)
        break
      case 'HEALTHCHECK':
        ends.healthcheck = JSON.parse(
          /CMD\s+(\[.*\])/s.exec(instruction.getRawArgumentsContent() as string)?.[1] ?? '[]',
        ) as string[]
        break
      case 'EXPOSE':
      case 'LABEL':
        break
      default:
        throw new Error(`This test does not know the instruction ${instruction.getKeyword()}.`)
    }
  }
  return { ...image, ...ends }
}

/** Flags and arguments, which the parser holds apart. */
const wordsOf = (instruction: Instruction) => [
  ...('getFlags' in instruction ? (instruction as JSONInstruction).getFlags() : []).map(String),
  ...instruction.getArguments().map((argument) => argument.getValue()),
]
const jsonOf = (instruction: Instruction) =>
  (instruction as JSONInstruction).getJSONStrings().map((text) => JSON.parse(text.getValue()) as string)

/** The files that `docker build` would send: what git tracks or would, less what .dockerignore names. */
function contextFiles(): string[] {
  const list = (...more: string[]) =>
    execFileSync('git', ['ls-files', '-z', '-c', '-o', ...more], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
      .split('\0')
      .filter((file) => file !== '')
  const ignored = new Set(list('-i', '--exclude-from=.dockerignore'))
  return list('--exclude-standard').filter((file) => !ignored.has(file) && existsSync(join(root, file)))
}

function copy(
  words: string[],
  { folder, workdir }: { folder: string; workdir: string },
  context: string[],
  target: string,
) {
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length)
  const paths = words.filter((word) => !word.startsWith('--'))
  const into = join(folder, workdir, paths.at(-1) as string)
  for (const source of paths.slice(0, -1)) {
    if (from !== undefined) {
      cpSync(join(target, from, source), into, { recursive: true, verbatimSymlinks: true })
      continue
    }
    const isOne = context.includes(source)
    const files = context.filter((file) => source === '.' || file === source || file.startsWith(`${source}/`))
    if (files.length === 0)
      throw new Error(`COPY finds no ${source}: it is missing, or .dockerignore names it.`)
    for (const file of files) {
      const inside = isOne || source === '.' ? file : file.slice(source.length + 1)
      const place = join(into, inside)
      mkdirSync(dirname(place), { recursive: true })
      cpSync(join(root, file), place)
    }
  }
}

/** Commands that name folders of the root run where the container does: here only those of the build do. */
function run(command: string, { folder, workdir }: { folder: string; workdir: string }): void {
  if (command.includes(' /')) return
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    cwd: join(folder, workdir),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status !== 0) throw new Error(`RUN ${command} ended with ${status}:\n${stdout}${stderr}`)
}
