import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const PAGES = globSync(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/*.md'], {
  cwd: root,
})
const PATH = /`((?:apps|packages|scripts|bench|docs|test|drizzle|deploy|examples)\/[\w./[\]-]*[\w\]])\/?`/g

it.each(PAGES)('%s names files and folders that exist', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const missing = [...text.matchAll(PATH)]
    .map(([, path]) => path as string)
    .filter((path) => !existsSync(join(root, path)))
  expect(missing).toEqual([])
})

/** Pages for developers of this repository. All others are for users who installed a package. */
const FOR_DEVELOPERS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'docs/how-to-add.md',
  'docs/release.md',
]
const OF_A_CHECKOUT =
  /git clone|^ *npm (ci|start|run|test)\b|npm (start|run (-\S+ )*(normwatch|backup|dev))\b/m

it.each(PAGES.filter((page) => !FOR_DEVELOPERS.includes(page)))(
  '%s asks for no command of a checkout',
  (page) => {
    expect(OF_A_CHECKOUT.exec(readFileSync(join(root, page), 'utf8'))?.[0]).toBeUndefined()
  },
)
