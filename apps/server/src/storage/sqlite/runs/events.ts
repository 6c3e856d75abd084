import { MAX_EVENTS_PER_RUN, MAX_STEP, type RunEvent } from '@normwatch/protocol'
import type { Database } from '../engine/database.ts'
import { TooManyEvents, type EventStore } from '../../event-store.ts'
import { RunNotFound } from '../../store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'

/** The table of what happened in runs. */
export function openEvents(db: Database, commits: GroupCommit): EventStore {
  const keyOf = db.prepare<[string], number>('select key from runs where id = ?').pluck()
  const save = db.prepare<[number, number, string, number, string | null]>(
    `insert into run_events (run, step, label, time, text) values (?, ?, ?, ?, ?)
     on conflict (run, step, label) do update set time = excluded.time, text = excluded.text`,
  )
  const count = db.prepare<[number], number>('select count(*) from run_events where run = ?').pluck()
  const exists = db.prepare('select 1 from run_events where run = ? and step = ? and label = ?').pluck()
  const select = db.prepare<[number, number, number], RunEvent>(
    `select step, time, label, text from run_events where run = ? and step between ? and ? order by step, label`,
  )
  const key = (run: string): number => {
    const found = keyOf.get(run)
    if (found === undefined) throw new RunNotFound(run)
    return found
  }
  return {
    put: (run, events) =>
      commits.run(() => {
        const owner = key(run)
        const fresh = new Set(
          events
            .filter(({ step, label }) => exists.get(owner, step, label) === undefined)
            .map(({ step, label }) => `${step} ${label}`),
        )
        if ((count.get(owner) ?? 0) + fresh.size > MAX_EVENTS_PER_RUN) {
          throw new TooManyEvents(`A run has at most ${MAX_EVENTS_PER_RUN} events.`)
        }
        for (const { step, label, time, text } of events) save.run(owner, step, label, time, text)
      }),
    list: async (run, { from = 0, to = MAX_STEP }) => commits.read(() => select.all(key(run), from, to)),
  }
}
