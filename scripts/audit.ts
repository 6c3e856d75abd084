/** `npm run audit`: known vulnerabilities of the server's dependencies. Passes if the registry cannot be reached. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

interface Report {
  readonly error?: { readonly summary?: string }
  readonly metadata?: { readonly vulnerabilities: Readonly<Record<string, number>> }
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string }>>
}

/** Severities that stop a merge. */
const SERIOUS = ['high', 'critical']

const { stdout } = spawnSync(
  'npm',
  ['audit', '--omit=dev', '--json', '--fetch-timeout=20000', '--fetch-retries=0'],
  {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
    timeout: 60_000,
  },
)
const report = parse(stdout)
if (report?.metadata === undefined) {
  console.warn(`No audit: the registry does not answer it (${report?.error?.summary ?? 'no reply'}).`)
} else {
  const found = Object.entries(report.vulnerabilities ?? {})
  for (const [name, { severity }] of found) console.log(`${severity.padEnd(9)} ${name}`)
  console.log(`${found.length} packages with known vulnerabilities.`)
  if (found.some(([, { severity }]) => SERIOUS.includes(severity))) process.exitCode = 1
}

function parse(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report
  } catch {
    return undefined
  }
}
