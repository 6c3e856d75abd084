export type { Draft, ImportedRun, Importer } from './imported-run.ts'
export { importWandb } from './wandb.ts'
export { isWandbFile } from './wandb-blocks.ts'
export { detectFormat, importers, importLines, importLog, UnknownFormat } from './import-log.ts'
