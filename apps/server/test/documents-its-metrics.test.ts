import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startApp } from './start-app.ts'

const root = join(import.meta.dirname, '../../..')

/** Name, kind and help of every figure on the metrics page. */
async function figures(): Promise<Record<string, { type: string; help: string }>> {
  const { inject } = await startApp()
  const { text } = await inject({ url: '/metrics' })
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
  const helps = [...text.matchAll(/^# HELP (\S+) (.+)$/gm)] as unknown as [string, string, string][]
  return Object.fromEntries(helps.map(([, name, help]) => [name, { type: types.get(name) ?? '', help }]))
}

it('documents every figure with its kind and meaning, and no other', async () => {
  const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.+) \|$/gm)]
  expect(Object.fromEntries(rows.map(([, name, type, help]) => [name, { type, help }]))).toEqual(
    await figures(),
  )
})

it('draws and alerts on figures that exist', async () => {
  const known = new Set([...Object.keys(await figures()), 'up'])
  const sources = ['deploy/grafana/dashboards/normwatch.json', 'deploy/prometheus/rules.yml'].map((file) =>
    readFileSync(join(root, file), 'utf8'),
  )
  const used = sources.flatMap((source) => source.match(/\bnormwatch_\w+|\bup\b(?=\{)/g) ?? [])
  expect(used).toEqual(expect.arrayContaining(['normwatch_run_clip_rate', 'normwatch_run_flagged']))
  expect(used.filter((name) => !known.has(name))).toEqual([])
})
