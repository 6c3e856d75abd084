/**
 * `npm run bench:lists`: how long lists keep the others waiting when there is very much to look through, and what the server
 * does by itself. The goal is 50 ms, measured by a beat inside the server (`beat.ts`).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { aFinding } from '../../apps/server/src/alerts/fixtures/event.ts'
import { insertedFinding, INSERT_FINDING } from '../../apps/server/src/storage/run/list-findings.ts'
import { FILE } from '../../apps/server/src/storage/sqlite/engine/data-folder.ts'
import { openDatabase } from '../../apps/server/src/storage/sqlite/engine/database.ts'
import { openSqliteStore } from '../../apps/server/src/storage/sqlite/open.ts'
import { machine, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'
import { Beats } from './beats.ts'

const RUNS = 100_000
const FINDINGS = 1_000_000
const ENTRIES = 1_000_000
/** In which silent runs are looked at several times. */
const WATCHED_MS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'normwatch-lists-'))
const data = join(folder, 'data')

/** Runs that are running and silent, half of the findings in one of them, and audit entries of one actor. */
async function fill(): Promise<void> {
  const store = await openSqliteStore({ folder: data })
  const now = Date.now()
  for (let i = 0; i < RUNS; i++) await store.runs.put(`run-${i}`, { project: `p-${i % 20}` }, now)
  await store.audit.record({
    at: now,
    actor_id: 'tok_1',
    actor: 'ann',
    action: 'run.change',
    target_kind: 'run',
    target: 'run-1',
    project: 'p-1',
    address: '127.0.0.1',
    detail: null,
  })
  await store.close()
  const db = openDatabase(join(data, FILE))
  const insert = db.prepare(INSERT_FINDING)
  const explained = db.prepare("update findings set explanation = '{}'")
  const copy = db.prepare(
    `insert into audit select number + ?, at, actor_id, actor, action, target_kind, target, project, address, detail, hash
     from audit where number <= ?`,
  )
  db.transaction(() => {
    for (let i = 0; i < FINDINGS; i++) {
      const finding = aFinding({
        id: `f-${i}`,
        kind: 'spike',
        state: 'closed',
        opened_at: now - i,
        closed_at: now,
        closed_step: 9,
        close_reason: 'recovered',
      })
      insert.run(...insertedFinding(i % 2 === 0 ? 1 : 1 + (i % RUNS), finding))
    }
    explained.run()
    for (let count = 1; count < ENTRIES; count *= 2) copy.run(count, ENTRIES - count)
    db.prepare('update audit_head set last = (select max(number) from audit)').run()
  }).immediate()
  db.close()
}

await fill()
const beats = new Beats(folder)
const server = await ServerProcess.start(data, {
  environment: { ...(process.env as Record<string, string>), ...beats.environment },
})
const figures: object[] = []

function note(what: string, began: number, from: number): void {
  const milliseconds = Math.round(performance.now() - began)
  figures.push({ what, milliseconds, ...beats.longestSince(from) })
  console.log(figures.at(-1))
}

async function measure(what: string, path: string): Promise<void> {
  const [from, began] = [Date.now(), performance.now()]
  const reply = await fetch(`${server.url}/${path}`)
  await reply.arrayBuffer()
  if (!reply.ok) throw new Error(`${what}: ${reply.status}`)
  const took = performance.now() - began
  await pause(100)
  note(what, performance.now() - took, from)
}

try {
  await pause(1_000)
  const [from, began] = [Date.now(), performance.now()]
  await pause(WATCHED_MS)
  note(`nothing asked, ${RUNS} silent runs`, began, from)
  await measure('findings that are open', 'api/v1/findings?state=open')
  await measure('findings of a kind that none has', 'api/v1/findings?kind=loss_divergence')
  await measure('the same of one run with half of all', 'api/v1/findings?kind=loss_divergence&run=run-0')
  await measure('findings of a project without one', 'api/v1/findings?project=nobody')
  await measure('findings since the newest', `api/v1/findings?since=f-${FINDINGS - 1}`)
  await measure('comparison of the run with half of all', 'api/v1/compare?run=run-0')
  await measure('runs by a text that none has', 'api/v1/runs?q=nowhere')
  await measure('the audit log of somebody unknown', 'api/v1/audit?who=nobody')
  await measure('the use of projects', 'api/v1/usage')
  await measure('metrics', 'metrics')
} finally {
  await server.stop()
  rmSync(folder, { recursive: true })
}
await writeResults(import.meta.dirname, { ...machine(), figures }, 'long-lists.json')
