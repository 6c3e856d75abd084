import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const PAGES = globSync(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/*.md'], {
  cwd: root,
})
const PATH = /`((?:apps|packages|scripts|bench|docs|test|drizzle|deploy|examples)\/[\w./[\]-]*[\w\]])\/?`/g

it.each(PAGES)('%s names files and folders that are there', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const missing = [...text.matchAll(PATH)]
    .map(([, path]) => path as string)
    .filter((path) => !existsSync(join(root, path)))
  expect(missing).toEqual([])
})
