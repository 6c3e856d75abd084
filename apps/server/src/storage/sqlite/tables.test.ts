import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Table, getTableName, is } from 'drizzle-orm'
import { expect, it } from 'vitest'
import * as tables from './tables.ts'

it('has every table drawn in docs/storage-format.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../../docs/storage-format.md'), 'utf8')
  const drawing = page.slice(page.indexOf('## The pieces'), page.indexOf('## Leaves'))
  const names = Object.values(tables)
    .filter((table) => is(table, Table))
    .map(getTableName)
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(drawing))).toEqual([])
})
