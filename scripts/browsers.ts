import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The browsers of the tests: the variable that names one, what it is called on PATH, and Debian's package. */
const BROWSERS = {
  chromium: {
    variable: 'CHROMIUM',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    package: 'chromium',
  },
  firefox: { variable: 'FIREFOX', names: ['firefox', 'firefox-esr'], package: 'firefox-esr' },
} as const

export type BrowserName = keyof typeof BROWSERS

/** Path of a browser on this machine: what its variable says, else the first known name on PATH. */
function findBrowser(browser: BrowserName): string | undefined {
  const { variable, names } = BROWSERS[browser]
  const chosen = process.env[variable]
  if (chosen !== undefined) return chosen
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

/** Finds a browser, or installs Debian's where that is possible. Throws with a sentence that says what to do. */
export function ensureBrowser(browser: BrowserName): string {
  ensureBrowsers([browser])
  return findBrowser(browser) as string
}

/** Finds browsers, or installs all that are missing at once. Throws with a sentence that says what to do. */
export function ensureBrowsers(browsers: readonly BrowserName[]): void {
  const missing = browsers.filter((browser) => findBrowser(browser) === undefined)
  if (missing.length === 0) return
  const mayInstall = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0
  if (!mayInstall) {
    const variables = missing.map((browser) => BROWSERS[browser].variable).join(' and ')
    throw new Error(
      `The browser tests need ${missing.join(' and ')}: install what is missing, or name it in ${variables}.`,
    )
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const packages = missing.map((browser) => BROWSERS[browser].package)
  execFileSync('apt-get', ['update', '-q'], { stdio: 'inherit', env })
  execFileSync('apt-get', ['install', '-y', '-q', ...packages], { stdio: 'inherit', env })
  const absent = missing.filter((browser) => findBrowser(browser) === undefined)
  if (absent.length > 0) throw new Error(`Installed, and still not on PATH: ${absent.join(', ')}.`)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
