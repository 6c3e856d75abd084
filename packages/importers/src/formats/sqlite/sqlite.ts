import { LogRefused, type Format, type LogStream, type LogWriter } from '../../format.ts'
import { readMlflow } from './mlflow.ts'
import { readTrackio } from './trackio.ts'

const MAGIC = 'SQLite format 3\0'

interface Store {
  /** Tables by which it is known. */
  readonly tables: readonly string[]
  read(stream: LogStream, log: LogWriter): Promise<void>
}

/** Tools that keep their runs in an SQLite file. */
const STORES: readonly Store[] = [
  { tables: ['metrics', 'runs', 'params', 'experiments'], read: readMlflow },
  { tables: ['metrics', 'configs', 'system_metrics'], read: readTrackio },
]

/** SQLite files: what tool has written one is seen by its tables. It is only read, also while its tool writes. */
export const sqlite: Format = {
  name: 'sqlite',
  title: 'SQLite stores of MLflow (mlflow.db) and trackio',
  score: ({ text }) => (text.startsWith(MAGIC) ? 1 : 0),
  isRewritten: true,
  async read(stream, log) {
    const names = new Set<unknown>()
    for await (const rows of stream.query("SELECT name FROM sqlite_master WHERE type = 'table'"))
      for (const { name } of rows) names.add(name)
    const store = STORES.find(({ tables }) => tables.every((table) => names.has(table)))
    if (store === undefined)
      throw new LogRefused('This SQLite file is no store of MLflow or trackio: it lacks their tables.')
    await store.read(stream, log)
  },
}
