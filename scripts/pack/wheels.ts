import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePython, run } from '../python-env.ts'

/**
 * Platforms of better-sqlite3's binaries and the wheel tag of each, which is pip's name for the oldest system on which the
 * binary loads. On any other platform, pip installs the wheel without a binary.
 */
export const PLATFORMS: Readonly<Record<string, string>> = {
  'linux-x64': 'manylinux_2_34_x86_64',
  'linux-arm64': 'manylinux_2_34_aarch64',
  'linuxmusl-x64': 'musllinux_1_2_x86_64',
  'linuxmusl-arm64': 'musllinux_1_2_aarch64',
  'darwin-x64': 'macosx_11_0_x86_64',
  'darwin-arm64': 'macosx_11_0_arm64',
  'win32-x64': 'win_amd64',
  'win32-arm64': 'win_arm64',
}

/** The fixed date of every file in a wheel, in Unix seconds, so that the same content gives the same bytes. */
const DATE = '1764288000'

/** Builds the server's wheels, from the npm package in `folder`, and the SDK's sdist and wheel into `dist`. */
export function makeWheels(root: string, folder: string, dist: string): void {
  const python = ensurePython({
    name: 'pack',
    requirements: join(root, 'scripts/pack/requirements.txt'),
    seesSystem: false,
  })
  const build = (project: string, kinds: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run(python, ['-m', 'build', '--no-isolation', ...kinds, '--outdir', dist, project], root, {
      SOURCE_DATE_EPOCH: DATE,
      ...env,
    })
  build(join(root, 'packages/sdk-python'), ['--sdist', '--wheel'])

  const project = join(root, 'packages/server-python')
  const content = join(dist, 'wheel')
  for (const [platform, tag] of [[undefined, 'any'], ...Object.entries(PLATFORMS)] as const) {
    rmSync(content, { recursive: true, force: true })
    cpSync(folder, content, { recursive: true })
    if (platform !== undefined) addSqlite(root, content, platform)
    build(project, ['--wheel'], { NORMWATCH_WHEEL_CONTENT: content, NORMWATCH_WHEEL_PLATFORM: tag })
  }
  rmSync(content, { recursive: true })
}

/** What better-sqlite3 needs at run time: its JavaScript and the binary of one platform. */
function addSqlite(root: string, content: string, platform: string): void {
  const from = join(root, 'node_modules/better-sqlite3')
  const to = join(content, 'node_modules/better-sqlite3')
  mkdirSync(join(to, 'prebuilds'), { recursive: true })
  for (const file of ['package.json', 'LICENSE', 'lib', join('prebuilds', `${platform}.node`)]) {
    cpSync(join(from, file), join(to, file), { recursive: true })
  }
}
