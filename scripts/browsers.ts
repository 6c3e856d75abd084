import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { installPackages } from './debian.ts'

/** The browsers of the tests: the environment variable with its path, its names on PATH, and its Debian package. */
const BROWSERS = {
  chromium: {
    variable: 'CHROMIUM',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    package: 'chromium',
  },
  firefox: { variable: 'FIREFOX', names: ['firefox', 'firefox-esr'], package: 'firefox-esr' },
} as const

export type BrowserName = keyof typeof BROWSERS

/** Path of a browser on this machine: from its environment variable, else the first known name on PATH. */
function findBrowser(browser: BrowserName): string | undefined {
  const { variable, names } = BROWSERS[browser]
  const chosen = process.env[variable]
  if (chosen !== undefined) return chosen
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

/** Finds a browser, or installs its Debian package if possible. Otherwise throws an error that says what to do. */
export function ensureBrowser(browser: BrowserName): string {
  ensureBrowsers([browser])
  return findBrowser(browser) as string
}

/** Finds browsers, and installs all missing ones at once. If that fails, throws an error that says what to do. */
export function ensureBrowsers(browsers: readonly BrowserName[]): void {
  const missing = browsers.filter((browser) => findBrowser(browser) === undefined)
  if (missing.length === 0) return
  if (!installPackages(missing.map((browser) => BROWSERS[browser].package))) {
    const variables = missing.map((browser) => BROWSERS[browser].variable).join(' and ')
    throw new Error(
      `The browser tests need ${missing.join(' and ')}: install what is missing, or name it in ${variables}.`,
    )
  }
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
