import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { docsSections } from '../../../bench/detector/docs-sections.ts'
import { sectionOf } from '../../../bench/detector/markdown.ts'

const document = readFileSync(join(import.meta.dirname, '../../../docs/detection.md'), 'utf8')

describe('docs/detection.md', () => {
  it.each(Object.entries(docsSections()))(
    'has its section "%s" as `npm run docs:detection` writes it',
    (name, content) => {
      expect(sectionOf(document, name)).toBe(content)
    },
  )

  it('has a report', () => {
    expect(sectionOf(document, 'report')).toContain('### Sensitivity')
  })
})
