import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { describeStore } from '../store.contract.ts'
import { openSqliteStore } from './open.ts'

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describeStore('sqlite', () => openSqliteStore({ folder: emptyFolder() }))
