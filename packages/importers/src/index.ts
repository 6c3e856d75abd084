export type { Format, Head, LogStream, LogWriter, ReadOptions, Readings, RunWriter } from './format.ts'
export { LogRefused } from './format.ts'
export { formats } from './formats/index.ts'
export {
  formatNamed,
  readLog,
  readLogText,
  recognise,
  UnknownFormat,
  type ReadLogOptions,
} from './read-log.ts'
export type { ImportedEvent, ImportedPart, ImportedRun } from './runs/imported-run.ts'
