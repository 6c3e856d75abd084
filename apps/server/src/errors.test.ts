import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { liveErrors, refusals } from './errors.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8')
const rows = (pattern: RegExp) => [...page.matchAll(pattern)].map(([, ...cells]) => cells)

it('documents every refusal with its status and sentence, and no other', () => {
  expect(rows(/^\| `(\w+)` \| (\d{3}) \| (.+) \|$/gm)).toEqual(
    Object.entries(refusals).map(([code, { status, sentence }]) => [code, String(status), sentence]),
  )
})

it('documents every code of a live error, and no other', () => {
  expect(rows(/^\| `(\w+)` \| live \| (.+) \|$/gm)).toEqual(Object.entries(liveErrors))
})
