/**
 * `npm test`: runs every kind of test and prints one line of figures at the end. `npm test -- FILE…` runs only these files,
 * with vitest or pytest. Other arguments are passed on: `npm test -- FILE -t "a sentence"`.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBrowsers } from './browsers.ts'
import { ensureFaketime } from './faketime.ts'
import { ensurePostgres } from './postgres.ts'

const root = join(import.meta.dirname, '..')
const args = process.argv.slice(2)
const isPython = args.some((arg) => /\.py(::|$)/.test(arg))
if (isPython) process.exit(run('npm', ['run', '--silent', 'test:python', '--', ...args]))
if (args.length > 0) process.exit(run('npx', ['vitest', 'run', ...args]))

const results = join(root, 'test-results')
rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })

ensureBrowsers(['chromium', 'firefox'])
ensurePostgres()
ensureFaketime()
const vitest = run('npx', [
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${join(results, 'vitest.json')}`,
])
const python = run('npm', [
  'run',
  '--silent',
  'test:python',
  '--',
  `--junitxml=${join(results, 'pytest.xml')}`,
])

const counts = [vitestCounts(), pytestCounts()]
const passed = counts.reduce((sum, count) => sum + count.passed, 0)
const failed = counts.reduce((sum, count) => sum + count.failed, 0)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = vitest === 0 && python === 0 && failed === 0 ? 0 : 1

function run(command: string, args: string[]): number {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1
}

function vitestCounts(): { passed: number; failed: number } {
  const report = JSON.parse(readFileSync(join(results, 'vitest.json'), 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    numFailedTestSuites: number
  }
  return {
    passed: report.numPassedTests,
    failed: Math.max(report.numFailedTests, Math.min(1, report.numFailedTestSuites)),
  }
}

function pytestCounts(): { passed: number; failed: number } {
  const xml = readFileSync(join(results, 'pytest.xml'), 'utf8')
  const suites = [...xml.matchAll(/<testsuite [^>]*>/g)].map(([tag]) => tag)
  if (suites.length === 0) throw new Error('pytest left no report')
  const sum = (name: string) =>
    suites.reduce((total, tag) => total + Number(tag.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0), 0)
  const failed = sum('failures') + sum('errors')
  return { passed: sum('tests') - failed - sum('skipped'), failed }
}
