/** `npm run docs:detection`: writes the sections of docs/detection.md that come from the code and the recorded logs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { docsSections } from './docs-sections.ts'
import { replaceSection } from './markdown.ts'

const path = join(import.meta.dirname, '../../docs/detection.md')
let document = readFileSync(path, 'utf8')
for (const [name, content] of Object.entries(docsSections()))
  document = replaceSection(document, name, content)
writeFileSync(path, document)
