export type {
  Format,
  Head,
  LogStream,
  LogWriter,
  ReadOptions,
  Readings,
  RunWriter,
  SqlRow,
} from './format.ts'
export { LogRefused } from './format.ts'
export { formats } from './formats/index.ts'
export {
  formatNamed,
  identityOf,
  readLive,
  readLog,
  readLogs,
  readLogText,
  recogniseStream,
  UnknownFormat,
  type LogFile,
  type Outflow,
  type ReadLogOptions,
} from './read-log.ts'
export type { ImportedEvent, ImportedPart, ImportedRun } from './runs/imported-run.ts'
export type { LiveRun } from './runs/log-draft.ts'
export { ChunkedLog, headOf } from './streams/log-stream.ts'
export { joinFiles, type FoundLog, type KnownFile, type Passed } from './sending/found-log.ts'
export type { ImportApi } from './sending/import-api.ts'
export { importLog, importLogs, type ImportOptions, type Outcome } from './sending/import-log.ts'
export { LiveSender, OtherBeginning } from './sending/live-sender.ts'
export { RunSender, type RunLabels } from './sending/run-sender.ts'
export { capWords, normWords, remarksOn } from './sending/words.ts'
