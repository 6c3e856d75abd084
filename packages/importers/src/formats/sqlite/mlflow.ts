import { capInConfig } from '../../caps/cap-in-config.ts'
import type { LogStream, LogWriter } from '../../format.ts'

/** MLflow stores infinity as the largest number there is, as its databases have none. */
const LARGEST = Number.MAX_VALUE

/** MLflow's store: a row a reading. Runs that were deleted are left out. Of a step that was logged twice the later reading counts. */
export async function readMlflow(stream: LogStream, log: LogWriter): Promise<void> {
  const runs: { id: string; name: unknown }[] = []
  const active =
    "SELECT run_uuid, name FROM runs WHERE lifecycle_stage = 'active' ORDER BY start_time, run_uuid"
  for await (const rows of stream.query(active))
    for (const { run_uuid, name } of rows) runs.push({ id: String(run_uuid), name })
  for (const { id, name } of runs) {
    const run = log.run(id)
    if (typeof name === 'string' && name !== '') run.named(name)
    const settings: Record<string, unknown> = {}
    for await (const rows of stream.query('SELECT key, value FROM params WHERE run_uuid = ?', id))
      for (const { key, value } of rows) if (key !== '__proto__') settings[String(key)] = value
    run.config(settings)
    const cap = capInConfig(settings)
    if (cap !== undefined) run.cap(cap.clip, `${cap.key} in the run’s params`)
    let step: number | undefined
    let time = NaN
    let readings = new Map<string, number>()
    const metrics =
      'SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY step, timestamp'
    for await (const rows of stream.query(metrics, id))
      for (const row of rows) {
        if (row['step'] !== step) {
          if (step !== undefined) run.add(step, time, readings)
          step = Number(row['step'])
          time = Number(row['timestamp']) / 1000
          readings = new Map()
        }
        readings.set(String(row['key']), numberOf(row['value'], row['is_nan']))
      }
    if (step !== undefined) run.add(step, time, readings)
  }
}

function numberOf(value: unknown, isNaN: unknown): number {
  if (Number(isNaN) === 1) return NaN
  const number = Number(value)
  return Math.abs(number) === LARGEST ? Math.sign(number) * Infinity : number
}
