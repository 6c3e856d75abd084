import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const source = join(import.meta.dirname, '../src')
const files = globSync('**/*.ts', { cwd: source }).filter((file) => !file.endsWith('.test.ts'))
/** What each file imports when it runs: types are gone by then. */
const imports = new Map(
  files.map((file) => {
    const statements = readFileSync(join(source, file), 'utf8').matchAll(
      /(?:import|export) (?!type )[^'`]*? from '([^']+)'/g,
    )
    return [file, Array.from(statements, ([, specifier]) => specifier as string)]
  }),
)

describe('the detector', () => {
  it('has no two files that import each other, by whatever way round', () => {
    const done = new Set<string>()
    const visit = (file: string, way: readonly string[]): void => {
      expect(way, 'a circle').not.toContain(file)
      if (done.has(file)) return
      for (const specifier of imports.get(file) ?? [])
        if (specifier.startsWith('.')) visit(join(dirname(file), specifier), [...way, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
    expect(done.size).toBe(files.length)
  })

  it('imports nothing from outside but types', () => {
    const outside = [...imports.values()].flat().filter((specifier) => !specifier.startsWith('.'))
    expect(outside).toEqual([])
  })
})
