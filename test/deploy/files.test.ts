import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { variableOf } from '../../apps/server/src/config.ts'
import { settings } from '../../apps/server/src/settings.ts'
import { ensureHadolint } from './tools.ts'

const root = join(import.meta.dirname, '../..')
const text = (file: string) => readFileSync(join(root, file), 'utf8')
const run = (command: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  return { status, output: `${stdout}${stderr}` }
}

it('has a Dockerfile without hadolint findings', () => {
  expect(run(ensureHadolint(), 'Dockerfile')).toEqual({ status: 0, output: '' })
})

it("has a compose file that is valid by compose's schema", () => {
  const args = [
    '--disable-rule',
    'service-keys-order',
    '--disable-rule',
    'services-alphabetical-order',
    '--max-warnings',
    '0',
  ]
  expect(run(join(root, 'node_modules/.bin/dclint'), ...args, 'docker-compose.yml').output).not.toMatch(
    /error|warning/i,
  )
  const broken = join(import.meta.dirname, 'fixtures/broken-compose.yml')
  expect(run(join(root, 'node_modules/.bin/dclint'), broken).output).toMatch(/error/i)
})

it.each([
  'Dockerfile',
  'docker-compose.yml',
  'deploy/normwatch.service',
  'deploy/nginx/normwatch.conf',
  'docs/deploy.md',
])('names only settings that exist in %s', (file) => {
  const known = (Object.keys(settings) as (keyof typeof settings)[]).map(variableOf)
  const named = text(file).match(/NORMWATCH_[A-Z_]+/g) ?? []
  expect(named.length).toBeGreaterThan(0)
  expect(named.filter((variable) => !known.includes(variable))).toEqual([])
})

it('mounts only files that exist', () => {
  const mounted = [...text('docker-compose.yml').matchAll(/- \.\/(\S+?):/g)].map(([, path]) => path as string)
  expect(mounted.length).toBeGreaterThan(2)
  const { output } = run('git', 'ls-files', '-c', '-o', '--exclude-standard', ...mounted)
  for (const path of mounted) expect(output).toContain(path)
})

it('keeps the token of Prometheus out of the repository', () => {
  expect(run('git', 'check-ignore', 'deploy/metrics-token').status).toBe(0)
})
