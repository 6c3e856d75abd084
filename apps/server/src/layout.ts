import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** Set where the server is bundled into the package that people install. */
declare const NORMWATCH_BUNDLE: true | undefined

/** Installed from a package, not run from a checkout. */
export const isInstalled = typeof NORMWATCH_BUNDLE !== 'undefined'

/** The package's folder, or the checkout's. A bundled file is one folder deep, this one three. */
const root = isInstalled ? resolve(import.meta.dirname, '..') : resolve(import.meta.dirname, '../../..')

/** Where the files lie that the server reads, and its compiled code. */
export const layout = {
  manifest: join(root, isInstalled ? 'package.json' : 'apps/server/package.json'),
  dashboard: join(root, isInstalled ? 'dashboard' : 'apps/dashboard/build'),
  migrations: join(root, 'drizzle'),
  /** Its sources in `src`, and `offline`, which builds them where no package index is reached. */
  pythonSdk: join(root, isInstalled ? 'sdk-python' : 'packages/sdk-python'),
  /** The built npm package. */
  npmSdk: join(root, isInstalled ? 'sdk-npm' : 'packages/sdk/dist'),
  /** Script and style of an exported run page, and those of the charts in it. */
  exportPage: join(root, isInstalled ? 'server/export-page' : 'apps/server/src/cli/export/page'),
  uplot: join(root, isInstalled ? 'server/export-page' : 'node_modules/uplot/dist'),
  referenceStyle: join(root, isInstalled ? 'server/page.css' : 'apps/server/src/reference/page.css'),
  compileCache: isInstalled
    ? join(cacheFolder(process.platform, process.env, home()), 'normwatch')
    : join(root, 'node_modules/.cache/normwatch'),
} as const

/** The folder for data where none is named: the platform's own where Normwatch is installed, `./data` in a checkout. */
export const defaultDataFolder = isInstalled
  ? join(dataFolder(process.platform, process.env, home()), 'normwatch')
  : './data'

type Environment = Readonly<Record<string, string | undefined>>

/** A container's user may have neither a name nor $HOME: the root then, where it can write nothing. */
function home(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}

/** The platform's folder for user data. */
export function dataFolder(platform: NodeJS.Platform, env: Environment, home: string): string {
  if (platform === 'win32') return env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support')
  return absolute(env['XDG_DATA_HOME']) ?? join(home, '.local', 'share')
}

/** The platform's cache folder. */
function cacheFolder(platform: NodeJS.Platform, env: Environment, home: string): string {
  if (platform === 'win32') return env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local')
  if (platform === 'darwin') return join(home, 'Library', 'Caches')
  return absolute(env['XDG_CACHE_HOME']) ?? join(home, '.cache')
}

/** The specification of these variables says that a relative path is to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') === true ? path : undefined
}
