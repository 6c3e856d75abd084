import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { routeRules, ruleFor } from './route-rules.ts'

it('is documented: every route with who may use it', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/access.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([A-Z]+ \S+)` \| ([a-z ]+) \| ([a-z-]+) \|$/gm)]
  expect(Object.fromEntries(rows.map(([, route, who, project]) => [route, { for: who, project }]))).toEqual(
    routeRules,
  )
})

it('knows no route by accident', () => {
  expect(() => ruleFor('GET', 'constructor')).toThrow('has no rule')
  expect(ruleFor('HEAD', '/healthz')).toBe(routeRules['GET /healthz'])
})
