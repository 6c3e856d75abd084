import { capInConfig } from '../../caps/cap-in-config.ts'
import type { LogStream, LogWriter, SqlRow } from '../../format.ts'
import { Entries } from '../../text/entries.ts'
import { isObject, parseLooseJson } from '../../text/loose-json.ts'

/** trackio's store of a project: a row a step, its readings as JSON, and a configuration a run. Older ones tell runs apart by name. */
export async function readTrackio(stream: LogStream, log: LogWriter): Promise<void> {
  for await (const rows of stream.query('SELECT * FROM configs'))
    for (const row of rows) {
      const run = log.run(idOf(row))
      const config = objectIn(row['config'])
      run.config(Object.fromEntries(Object.entries(config).filter(([name]) => !name.startsWith('_'))))
      const cap = capInConfig(config)
      if (cap !== undefined) run.cap(cap.clip, `${cap.key} in the run’s config`)
    }
  let id: string | undefined
  let entries: Entries | undefined
  for await (const rows of stream.query('SELECT * FROM metrics ORDER BY run_name, step, id'))
    for (const row of rows) {
      if (idOf(row) !== id || entries === undefined) {
        entries?.finish()
        id = idOf(row)
        log.run(id).named(String(row['run_name']))
        entries = new Entries(log, id)
      }
      entries.add({ _step: row['step'], timestamp: row['timestamp'], ...objectIn(row['metrics']) })
    }
  entries?.finish()
}

function idOf(row: SqlRow): string {
  return String(row['run_id'] ?? row['run_name'])
}

function objectIn(json: unknown): Record<string, unknown> {
  const text = json instanceof Uint8Array ? new TextDecoder().decode(json) : String(json)
  const found = parseLooseJson(text)
  return isObject(found) ? found : {}
}
