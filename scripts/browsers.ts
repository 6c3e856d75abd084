import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { installPackages } from './debian.ts'

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
