export type { Draft, ImportedRun, Importer } from './imported-run.ts'
export { detectFormat, importers, importLines, importLog, UnknownFormat } from './import-log.ts'
